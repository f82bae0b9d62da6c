"""One line for all end-to-end tests of the session; each test leaves it quiet."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ari_app.process import running_line
from asterisk_conf.install import Installation
from tests.e2e.line_rig import OPEN_HOURS, Clock, TestLine, line_settings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_line(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    clock = Clock()
    settings = line_settings(tmp_path_factory.mktemp("line"))
    async with running_line(settings, own_lifetime=True, now=clock) as running:
        yield TestLine(running, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def line(shared_line: TestLine) -> AsyncIterator[TestLine]:
    """The line in opening hours; afterwards nothing of the test's calls may be left."""
    shared_line.clock.set(OPEN_HOURS)
    yield shared_line
    assert await shared_line.is_quiet()
