"""Many callers, one after another and all at once, leave nothing behind."""

import asyncio
import gc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import pytest
from sqlalchemy import Connection

from ari_app.ari import Channel, Events
from ari_app.calls.call import Call
from ari_app.ivr.walk import Walk
from ari_app.sip_caller import (
    CallPlan,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Step,
    Wait,
    place_calls,
)
from desk import tickets, timeline
from desk.timeline import Entry
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import TestLine, beijing

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

AT_ONCE = 50
IN_A_ROW = {"hangs up": 140, "chooses": 60}  # two callers, each of whom calls again and again
BRIEF: dict[str, tuple[Step, ...]] = {
    "hangs up": (HangUp(),),
    "chooses": (Press("1"), Wait(0.1), HangUp()),
}
TELLS: tuple[Step, ...] = (
    Wait(0.6),
    Press("1"),
    Wait(2),
    Speak("空调坏了"),
    Wait(0.5),
    Press("#"),
    ExpectBye(30),
)
MOST_CONNECTIONS = 30
"""HTTP connections that stay open for the next request: how many depends on what met when."""
MOST_GROWTH = 8 << 20
"""Bytes after the warm-up. Of 250 calls 2 MB stay in queues that are bounded (the newest events of
the timeline, the last thousand channels), whatever number of calls follows."""
MOST_ASTERISK_GROWTH = 24 << 20
"""Asterisk keeps what its busiest moment took, 0.43 MB a call: how many calls met in it varies."""


@dataclass(frozen=True)
class Held:
    """What two processes hold between calls."""

    tasks: Counter[str]
    connections: int
    files: int
    asterisk_files: int
    objects: int
    memory: int
    asterisk_memory: int

    @classmethod
    def now(cls, line: TestLine) -> "Held":
        gc.collect()
        ours, asterisk = psutil.Process(), psutil.Process(_asterisk_pid(line))
        kinds = (Call, Channel, Events, Walk)
        tasks = Counter(task.get_name() for task in asyncio.all_tasks())
        unnamed = {name for name in tasks if name.startswith("Task-")}  # of HTTP servers
        return cls(
            tasks=Counter({name: tasks[name] for name in tasks.keys() - unnamed}),
            connections=len(unnamed),
            files=ours.num_fds(),
            asterisk_files=asterisk.num_fds(),
            objects=sum(isinstance(thing, kinds) for thing in gc.get_objects()),
            memory=ours.memory_info().rss,
            asterisk_memory=asterisk.memory_info().rss,
        )


def _asterisk_pid(line: TestLine) -> int:
    assert line.running.asterisk is not None
    pid = line.running.asterisk.pid
    assert pid is not None
    return pid


async def _place(line: TestLine, plans: Sequence[CallPlan], at_once: int) -> None:
    results = await place_calls(plans, line.target, rate=25, at_once=at_once)
    assert Counter(result.status for result in results) == {200: len(plans)}
    await line.quiet()


async def _at_once(line: TestLine) -> None:
    await _place(line, [line.plan(beijing(), *TELLS) for _ in range(AT_ONCE)], AT_ONCE)


async def _in_a_row(line: TestLine, part: float = 1.0) -> None:
    brief = [
        line.plan(beijing(), *BRIEF[name])
        for name, count in IN_A_ROW.items()
        for _ in range(round(count * part))
    ]
    await _place(line, brief, 1)


async def test_two_hundred_calls_in_a_row_and_fifty_at_once_leave_nothing_behind(
    line: TestLine, crm: Receiver
) -> None:
    await _at_once(line)  # warm-up: threads, caches, connections
    await _in_a_row(line, 0.1)
    db = line.running.line.db
    last = await db.read(timeline.last_seq)
    _forget(crm)
    before = Held.now(line)

    await _at_once(line)
    told = await db.read(tickets.search, limit=AT_ONCE)
    assert Counter(ticket.description for ticket in told) == {"空调坏了": AT_ONCE}
    await _in_a_row(line)
    _forget(crm)

    after = Held.now(line)
    assert after.tasks == before.tasks
    assert after.connections - before.connections < MOST_CONNECTIONS
    assert after.files - before.files < 2 * MOST_CONNECTIONS
    assert after.asterisk_files - before.asterisk_files < MOST_CONNECTIONS
    assert after.objects <= before.objects
    assert after.memory - before.memory < MOST_GROWTH
    assert after.asterisk_memory - before.asterisk_memory < MOST_ASTERISK_GROWTH
    entries = await db.read(_entries_after, last)
    kinds = Counter(entry.kind for entry in entries)
    calls = AT_ONCE + sum(IN_A_ROW.values())
    assert kinds["call.received"] == kinds["call.ended"] == kinds["ticket.opened"] == calls
    causes = {entry.body["cause"] for entry in entries if entry.kind == "call.ended" and entry.body}
    assert causes == {"hangup", "completed"}


def _forget(crm: Receiver) -> None:
    """The test's own records are no leak of the line's."""
    crm.got.clear()
    crm.taken.clear()


def _entries_after(db: Connection, seq: int) -> list[Entry]:
    found: list[Entry] = []
    while page := timeline.entries_after(db, found[-1].seq if found else seq, 1000):
        found += page
    return found
