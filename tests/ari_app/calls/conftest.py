"""One caller and three agents in virtual time."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ari_app.calls.rig import Desk
from tests.ari_app.calls.talk_rig import World


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    desk = Desk()
    world = World(desk, monkeypatch)
    yield world
    await world.stop()
    desk.close()
