"""A hand-over's deadline has one source, and whoever must hear that it passed hears once."""

from datetime import timedelta
from typing import Any

import pytest

from desk import sla, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.service import ServiceSettings, chores
from desk.tickets import handovers
from desk.tickets.handovers import Handover
from desk.tickets.overdue import mark_overdue, next_overdue
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import go, open_case, seen
from tests.rig.samples import NOW

MONDAY_NIGHT = NOW.replace(day=23, hour=15, minute=0, second=0, microsecond=0)
"""23:00 in China."""


async def asked(db: Database, **wanted: Any) -> int:
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(_ask, ticket_id, **wanted)
    return ticket_id


def _ask(db: Any, ticket_id: int, to: str = "天津", **wanted: Any) -> None:
    handovers.ask(db, ticket_id, to, "要上门", NOW, **seen(db, ticket_id), **wanted)


async def under_way(db: Database, ticket_id: int) -> Handover:
    found = await db.read(handovers.open_of_ticket, ticket_id)
    assert found is not None
    return found


async def told(db: Database, kind: str) -> list[dict[str, Any]]:
    entries = await db.read(timeline.entries_after, 0, 1000)
    return [dict(entry.body or {}) for entry in entries if entry.kind == kind]


async def keep(db: Database, at: timedelta) -> None:
    for _ in range(2):
        await catch_up(db, chores(ServiceSettings()), lambda: NOW + at)


async def test_the_policy_says_by_when_it_must_be_taken(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=45), NOW)
    ticket_id = await asked(db)
    assert (await under_way(db, ticket_id)).due_at == NOW + minutes(45)
    assert (await told(db, "handover.asked"))[0]["due_at"].startswith("2026-11-22T01:47:03")
    [clock] = [c for c in await db.read(sla.stored_clocks, ticket_id) if c.target == "hand_over"]
    assert clock.due_at == NOW + minutes(45)


async def test_half_an_hour_where_no_policy_is_in_force(db: Database) -> None:
    ticket_id = await asked(db)
    assert (await under_way(db, ticket_id)).due_at == NOW + handovers.TIME


async def test_a_deadline_that_somebody_named_is_the_clocks_too(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=45, clock="working"), NOW)
    ticket_id = await asked(db, due_at=NOW + minutes(100))
    await keep(db, minutes(0))
    assert (await under_way(db, ticket_id)).due_at == NOW + minutes(100)
    [clock] = [c for c in await db.read(sla.stored_clocks, ticket_id) if c.target == "hand_over"]
    assert (clock.kind, clock.due, clock.amber_at) == ("wall", minutes(100), NOW + minutes(75))


async def test_it_goes_by_the_hours_of_the_team_that_is_asked(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=60, clock="working"), NOW)
    ticket_id = await asked(db, to="night")
    due_at = (await under_way(db, ticket_id)).due_at
    assert due_at == MONDAY_NIGHT, "Sunday morning: the night shift of Monday begins at 22:00"


async def test_it_is_put_off_while_the_ticket_waits_for_the_customer(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=60), NOW)
    ticket_id = await asked(db)
    await db.write(go, ticket_id, NOW + minutes(20), "waiting_customer")
    await keep(db, minutes(90))
    assert await told(db, "handover.overdue") == []
    assert await db.read(next_overdue) is None, "nobody knows when"
    await db.write(go, ticket_id, NOW + minutes(100), "in_progress")
    await keep(db, minutes(101))
    assert (await under_way(db, ticket_id)).due_at == NOW + minutes(140)
    assert await db.read(next_overdue) == NOW + minutes(140)
    await keep(db, minutes(141))
    assert len(await told(db, "handover.overdue")) == 1


async def test_one_that_began_to_wait_a_moment_ago_is_not_overdue(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=60), NOW)
    ticket_id = await asked(db)
    await db.write(go, ticket_id, NOW + minutes(20), "waiting_customer")
    assert await db.write(mark_overdue, NOW + minutes(61)) == [], "whatever was followed yet"


async def test_an_overdue_one_escalates_once_in_the_chain_of_its_ticket(db: Database) -> None:
    await db.write(sla.apply, book(6000, response=6000, hand_over=60), NOW)
    ticket_id = await asked(db)
    for at in (59, 60, 60, 200):
        await keep(db, minutes(at))
    [overdue] = await told(db, "handover.overdue")
    assert overdue["triggers"] == [], "the chain tells people; they are not told twice"
    steps = [(s["target"], s["step"], s["team"]) for s in await told(db, "sla.escalated")]
    chain = ("agent", "lead", "supervisor", "manager")
    assert steps == [("hand_over", step, "天津") for step in chain]
    there = await under_way(db, ticket_id)
    assert there.overdue_at == NOW + minutes(60), "the case still can be taken"


@pytest.mark.parametrize("policies", [False, True])
async def test_where_no_chain_is_in_force_the_mark_itself_escalates(
    db: Database, policies: bool
) -> None:
    if policies:
        await db.write(sla.apply, book(hand_over=30, steps=[]), NOW)
    await asked(db)
    await keep(db, minutes(30))
    await keep(db, minutes(31))
    assert [each["triggers"] for each in await told(db, "handover.overdue")] == [
        ["notify_escalation"]
    ]


async def test_a_change_of_policies_moves_it(db: Database) -> None:
    await db.write(sla.apply, book(hand_over=45), NOW)
    ticket_id = await asked(db)
    await db.write(sla.apply, book(hand_over=90), NOW + minutes(1))
    await keep(db, minutes(1))
    assert (await under_way(db, ticket_id)).due_at == NOW + minutes(90)
