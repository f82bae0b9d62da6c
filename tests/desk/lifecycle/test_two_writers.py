"""Two processes with one ticket: one of them wins, the other is told so, and nothing is mixed."""

import asyncio
import sys
from pathlib import Path

from sqlalchemy import Connection

from desk import tickets, timeline
from desk.db.engine import Database
from desk.tickets import handovers
from tests.desk.lifecycle.cases import AGENT, opened
from tests.rig.samples import NOW

ROUNDS = 20
WRITER = """
import asyncio, sys
from desk.db.engine import Database
from desk.errors import VersionConflict
from desk.tickets import By, Role, overdue, steps
from tests.rig.samples import NOW
from datetime import timedelta

async def change(db, ticket_id):
    me = By(sys.argv[2], Role.AGENT)
    try:
        await db.write(
            steps.assign, ticket_id, NOW, by=me, expected_version=2, assignee=sys.argv[2]
        )
    except VersionConflict as conflict:
        assert (conflict.expected, conflict.found) == (2, 3), conflict
        return "lost"
    return "won"

async def main():
    async with await Database.open(sys.argv[1]) as db:
        sys.stdin.readline()
        told = [await change(db, n) for n in map(int, sys.argv[3].split(","))]
        marked = await db.write(overdue.mark_overdue, NOW + timedelta(hours=1))
        print(len(marked), *told)

asyncio.run(main())
"""


def given(db: Connection, call_id: str) -> int:
    """A ticket at version 2 that is on its way to another team."""
    ticket = opened(db, call_id)
    handovers.ask(db, ticket.id, "天津", "上门", NOW, by=AGENT, expected_version=1)
    return ticket.id


async def test_of_two_who_change_a_ticket_at_once_exactly_one_wins(
    db: Database, database_url: str
) -> None:
    made = [await db.write(given, f"c{n}") for n in range(ROUNDS)]
    names = ("agent:1", "agent:2")
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, database_url, name, ",".join(map(str, made)),
            cwd=Path(__file__).resolve().parents[3],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for name in names
    ]  # fmt: skip
    async with asyncio.timeout(90):
        outputs = [output.split() for output, _ in [
            *await asyncio.gather(*(process.communicate(b"\n") for process in running))
        ]]  # fmt: skip
    marked = sum(int(output[0]) for output in outputs)
    assert marked == ROUNDS, "each hand-over is noticed by one of the two"
    for n, ticket_id in enumerate(made, start=1):
        told = {name: output[n].decode() for name, output in zip(names, outputs, strict=True)}
        assert sorted(told.values()) == ["lost", "won"]
        ticket = await db.read(steps_seen, ticket_id)
        [winner] = [name for name in names if told[name] == "won"]
        assert ticket == ([winner], winner)
    assert (await db.read(timeline.verify)).intact


def steps_seen(db: Connection, ticket_id: int) -> tuple[list[str], str]:
    """Who assigned it, by the timeline, and to whom it is assigned, by its row."""
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    entries = timeline.entries_after(db, 0, 99, ticket_id=ticket_id)
    return [e.actor for e in entries if e.kind == "ticket.assigned"], ticket.assignee
