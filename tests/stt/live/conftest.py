"""A pool that hears what a script says."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stt.live import LivePool
from tests.stt.live.engines import Clock, Script

KEY = "script"


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def pool(script: Script, clock: Clock) -> AsyncIterator[LivePool]:
    """One thread, which has heard its rehearsal."""
    async with LivePool({KEY: script}, threads=1, clock=clock, behind_seconds=1.0) as pool:
        script.opened.clear()
        script.order.clear()
        while script.entered.acquire(blocking=False):
            pass
        yield pool
        script.may.set()
