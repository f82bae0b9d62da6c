"""Fixtures that tests of every package share."""

import asyncio
import resource

pytest_plugins = ["tests.rig.asterisk", "tests.rig.postgres"]


MOST_BYTES = 16 << 30


def pytest_sessionstart() -> None:
    # A test that runs away shall fail by itself, not take the machine with it.
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_BYTES if hard == resource.RLIM_INFINITY else min(hard, MOST_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    # pytest-asyncio asks for "the current loop", which makes one that nobody closes unless the
    # thread was told that it has none.
    asyncio.set_event_loop(None)
