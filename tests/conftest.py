"""Fixtures that tests of every package share."""

import asyncio

pytest_plugins = ["tests.rig.asterisk", "tests.rig.postgres"]


def pytest_sessionstart() -> None:
    # pytest-asyncio asks for "the current loop", which makes one that nobody closes unless the
    # thread was told that it has none.
    asyncio.set_event_loop(None)
