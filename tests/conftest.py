"""What tests of every package share, and what lets several processes run them side by side.

A worker of pytest-xdist takes whole files (`--dist loadfile`). Signalling ports and Asterisk's
media ports are reserved across processes (`tests.rig.ports`); the callers' media ports are a range
of each worker's own. Folders are pytest's; PostgreSQL and Asterisk are each worker's own, too.
"""

import asyncio
import os
import resource
from pathlib import Path

import pytest

from ari_app.sip_caller.ports import RANGE
from tests.rig import ports

pytest_plugins = ["tests.rig.asterisk", "tests.rig.postgres"]


MOST_BYTES = 16 << 30


WORKER, WORKERS = "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"


def pytest_configure() -> None:
    if WORKER in os.environ:
        number = int(os.environ[WORKER].removeprefix("gw"))
        first, last = ports.CALLERS
        share = (last - first) // int(os.environ[WORKERS]) & ~1
        begin = first + number * share
        os.environ[RANGE] = f"{begin}-{begin + share - 1}"


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
    if WORKER in os.environ:
        _longest_first(items)


def _longest_first(items: list[pytest.Item]) -> None:
    """Files that take long are begun first, so that no worker has one left when all others are
    done."""
    weights: dict[Path, int] = {}
    for item in items:
        slow = item.get_closest_marker("slow") is not None
        real = item.get_closest_marker("asterisk") is not None
        weights[item.path] = weights.get(item.path, 0) + 10 * slow + real
    items.sort(key=lambda item: -weights[item.path])
