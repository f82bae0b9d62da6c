"""Fixtures that tests of every package share."""

import asyncio
import resource

pytest_plugins = ["tests.rig.asterisk", "tests.rig.postgres"]


MOST_BYTES = 16 << 30


def pytest_sessionstart() -> None:
    # A test that runs away shall fail by itself, not take the machine with it.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    # pytest-asyncio asks for "the current loop", which makes one that nobody closes unless the
    # thread was told that it has none.
    asyncio.set_event_loop(None)
