"""The task that keeps service levels, and what it tells people."""

import asyncio
from datetime import datetime

import pytest

from desk import sla, timeline
from desk.chores import catch_up, keep
from desk.db.engine import Database
from desk.errors import NoSuchTicket
from desk.sla.chores import sla_chores
from desk.sla.explaining import explain
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import go, open_case, talk
from tests.rig.samples import NOW


class Clock:
    """A clock that stands until it is put on."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


async def steps(db: Database) -> list[str]:
    entries = await db.read(timeline.entries_after, 0, 1000)
    return [e.body["step"] for e in entries if e.kind == "sla.escalated" and e.body]


async def test_what_is_due_is_done_and_the_next_is_known(db: Database) -> None:
    now = Clock()
    await catch_up(db, sla_chores(), now)
    assert await db.read(sla.next_due) is None
    await db.write(sla.apply, book(60, response=600), NOW)
    await db.write(open_case, "c1", NOW)
    await catch_up(db, sla_chores(), now)
    assert await db.read(sla.next_due) == NOW + minutes(45)
    now.at = NOW + minutes(60)
    await catch_up(db, sla_chores(), now)
    assert await db.read(sla.next_due) == NOW + minutes(90), "the supervisor's step"
    assert await steps(db) == ["agent", "lead"]


async def test_it_wakes_when_something_is_written(db: Database) -> None:
    now = Clock()
    await db.write(sla.apply, book(60, response=600), NOW)
    with db.subscribe() as commits:
        keeper = asyncio.create_task(keep(db, sla_chores(), now, most_seconds=3600), name="sla")
        try:
            ticket_id = await db.write(open_case, "c1", NOW)
            now.at = NOW + minutes(46)
            await db.write(go, ticket_id, now.at, "assigned")
            async with asyncio.timeout(20):
                while await steps(db) != ["agent"]:
                    await commits.wait(20)
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


async def test_an_operator_is_told_why_a_case_is_due_when_it_is_due(db: Database) -> None:
    ticket_id = await db.write(open_case, "c1", NOW)
    assert "no policies are in force" in (await db.read(explain, ticket_id, NOW))[0]
    await db.write(sla.apply, book(60), NOW)
    assert "not up to date" in (await db.read(explain, ticket_id, NOW))[-1]
    await db.write(talk, "c1", NOW + minutes(3))
    now = Clock()
    now.at = NOW + minutes(50)
    await catch_up(db, sla_chores(), now)
    told = "\n".join(await db.read(explain, ticket_id, now.at))
    assert "022 天津 complaint → policy all, edition 1" in told
    assert "首次响应 / first_response #1: 达标 / met, green; 0:03 h of 2:00 h (wall)" in told
    assert "解决 / resolution #1: 计时中 / running, amber; 0:50 h of 1:00 h" in told
    assert "due 2026-11-22 10:02:03" in told, "on the team's wall clock"
    assert "→ agent: fired 2026-11-22 09:52:03" in told
    assert "not up to date" not in told
    with pytest.raises(NoSuchTicket):
        await db.read(explain, 99, NOW)
