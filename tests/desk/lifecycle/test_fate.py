"""Whoever follows a ticket that was merged hears what became of the matter."""

import pytest

from desk import tickets, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.tickets import closing, merging
from desk.tickets.fate import fate_chores
from tests.desk.lifecycle.cases import (
    AGENT,
    LATER,
    SUPERVISOR,
    begun,
    opened,
    resolved,
    talk,
)
from tests.rig.samples import NOW

CHORES = fate_chores()


@pytest.fixture
async def following(db: Database) -> Database:
    await catch_up(db, CHORES, lambda: NOW)
    return db


async def told(db: Database, ticket_id: int) -> list[tuple[str, str, str]]:
    """Status, survivor and who did it, as a merged ticket's timeline has them."""
    for _ in range(2):
        await catch_up(db, CHORES, lambda: LATER)
    entries = await db.read(timeline.entries_after, 0, 999, ticket_id=ticket_id)
    return [
        (entry.body["status"], entry.body["survivor"], entry.actor)
        for entry in entries
        if entry.kind == "ticket.followed" and entry.body is not None
    ]


async def test_a_survivors_closing_and_reopening_show_at_all_that_follow_it(
    following: Database,
) -> None:
    db = following
    first, second = await db.write(begun, "c1"), await db.write(opened, "c2")
    survivor = await db.write(resolved, "c3")
    await catch_up(db, CHORES, lambda: LATER)
    await db.write(merging.merge, first.id, second.id, NOW, by=AGENT, expected_version=2)
    await db.write(merging.merge, second.id, survivor.id, NOW, by=AGENT, expected_version=1)
    seen = {each: await db.read(tickets.get, each) for each in (first.id, second.id)}
    await db.write(closing.confirm, survivor.id, talk("c3"), LATER, by=AGENT, expected_version=3)
    await db.write(closing.reopen, survivor.id, "又坏了", LATER, by=AGENT, expected_version=4)
    for each in (first.id, second.id):
        assert await told(db, each) == [
            ("closed", survivor.number, AGENT.actor),
            ("reopened", survivor.number, AGENT.actor),
        ]
        assert await db.read(tickets.get, each) == seen[each], "its version stays"
    assert await told(db, survivor.id) == []


async def test_who_stands_for_itself_again_follows_no_more(following: Database) -> None:
    db = following
    one, survivor = await db.write(begun, "c1"), await db.write(resolved, "c2")
    await catch_up(db, CHORES, lambda: LATER)
    await db.write(merging.merge, one.id, survivor.id, NOW, by=AGENT, expected_version=2)
    await db.write(merging.unmerge, one.id, "不同", NOW, by=SUPERVISOR, expected_version=3)
    await db.write(closing.confirm, survivor.id, talk("c2"), LATER, by=AGENT, expected_version=3)
    assert await told(db, one.id) == []
