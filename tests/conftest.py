"""Fixtures that tests of every package share."""

import asyncio
import resource

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("looptime") is not None:
            # Before virtual time moves, the loop turns 42 times for nothing; once is as good where
            # everything that is ready is done in any turn, and many times as fast.
            item.add_marker(pytest.mark.looptime(noop_cycles=1))
