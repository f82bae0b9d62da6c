"""Calls that agents want, and visits that they plan."""

from datetime import timedelta
from typing import Any

import pytest

from desk import timeline
from desk.db.engine import Database
from desk.errors import NoSuchTicket, NotPossibleNow
from desk.notices import Inbox, of_inbox
from desk.outbound import (
    NoSuchRevisit,
    NotDialled,
    Order,
    OutboundSettings,
    Request,
    RequestEnded,
    due,
    ordering,
    outcomes,
    requests,
    revisits,
)
from desk.outbound.requests import take
from desk.tickets import SYSTEM, Identity, get
from tests.desk.outbound.samples import CHINA, MORNING, SETTINGS, case, dial, look, request_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINE = Inbox.of("8001", ("agent:8001",), "agent", "tianjin")


async def order(db: Database, now: Any = MORNING, settings: Any = SETTINGS, **values: Any) -> Any:
    new = Order(values.pop("key", "k1"), values.pop("agent", "8001"), **values)
    return await db.write(ordering.order, new, settings, now, actor="agent:8001")


async def found(db: Database, request_id: int) -> Request:
    one = await db.read(requests.get, request_id)
    assert one is not None
    return one


async def closed(db: Database) -> int:
    """A case that its customer confirmed."""
    await look(db, MORNING)
    ticket = await db.write(case)
    await look(db, MORNING)
    request = await db.read(request_of, ticket.id)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    await db.write(
        outcomes.answer, request.id, "huisheng-outbound-1-a", True, Identity.PRESSED, "", MORNING
    )
    return ticket.id


async def test_a_click_is_due_at_once_and_the_same_click_is_one_call(db: Database) -> None:
    ticket = await db.write(case)
    first = await order(db, ticket_id=ticket.id)
    again = await order(db, ticket_id=ticket.id)
    assert isinstance(first, Request)
    assert (first.id, first.purpose, first.number, first.agent) == (
        again.id, "click", "13820220001", "8001",
    )  # fmt: skip
    assert [each.id for each in await db.read(due.to_call, MORNING, 10)] == [first.id]


async def test_a_click_that_the_line_did_not_take_in_time_is_over(db: Database) -> None:
    first = await order(db, number="13820220001")
    await look(db, MORNING + timedelta(seconds=30))
    assert (await found(db, first.id)).state == "waiting"
    await look(db, MORNING + timedelta(seconds=61))
    ended = await found(db, first.id)
    assert (ended.state, ended.outcome) == ("done", "expired")


async def test_a_premium_number_is_refused_and_told(db: Database) -> None:
    refused = await order(db, number="0085223456789")
    assert isinstance(refused, NotDialled)
    assert refused.cause == "prefix"
    kinds = [e.kind for e in await db.read(timeline.entries_after, 0, 50)]
    assert "outbound.alarm" in kinds
    assert await db.read(requests.search) == []


async def test_without_a_trunk_nobody_is_called(db: Database) -> None:
    refused = await order(db, settings=OutboundSettings(), number="13820220001")
    assert isinstance(refused, NotDialled)


async def test_a_ticket_that_is_none_is_said(db: Database) -> None:
    with pytest.raises(NoSuchTicket):
        await order(db, ticket_id=404)


async def test_a_call_at_a_moment_comes_due_then_and_can_be_cancelled(db: Database) -> None:
    at = MORNING + DAY
    wanted = await order(db, number="13820220001", at=at)
    assert wanted.purpose == "scheduled"
    assert await db.read(due.to_call, at - HOUR, 10) == []
    assert [each.id for each in await db.read(due.to_call, at, 10)] == [wanted.id]
    gone = await db.write(ordering.cancel, wanted.id, MORNING, actor="agent:8001")
    assert (gone.state, gone.outcome) == ("done", "cancelled")
    assert await db.read(due.to_call, at, 10) == []


async def test_what_is_being_dialled_cannot_be_cancelled(db: Database) -> None:
    wanted = await order(db, number="13820220001")
    await db.write(lambda c: take(c, requests.for_change(c, wanted.id), "huisheng-x", MORNING))
    with pytest.raises(RequestEnded):
        await db.write(ordering.cancel, wanted.id, MORNING, actor="agent:8001")


async def test_an_agent_who_misses_an_agreed_call_is_rung_again_and_told_in_the_end(
    db: Database,
) -> None:
    settings = SETTINGS.model_copy(update={"agent_attempts": 2})
    wanted = await order(db, number="13820220001", at=MORNING)
    at = MORNING
    for number in range(2):
        name = f"huisheng-{number}"
        held = lambda c, n=name: take(c, requests.for_change(c, wanted.id), n, at)  # noqa: E731, B023
        await db.write(held)
        await db.write(outcomes.settle, wanted.id, name, "agent_missed", settings, CHINA, at)
        missed = await found(db, wanted.id)
        at = missed.due_at or at
    assert (missed.state, missed.outcome) == ("done", "agent_missed")
    assert [n.kind for n in await db.read(of_inbox, MINE)] == ["scheduled_missed"]


async def test_visits_become_the_agents_tasks_one_by_one_and_their_results_stay(
    db: Database,
) -> None:
    ticket_id = await closed(db)
    series = await db.write(revisits.plan, ticket_id, 30, 2, MORNING, actor="王主管", agent="8001")
    await look(db, MORNING + 29 * DAY)
    assert await db.read(revisits.due, agent="8001") == []
    for _ in range(2):
        await look(db, MORNING + 30 * DAY)
    (mine,) = await db.read(revisits.due, agent="8001")
    assert [visit.state for visit in mine.visits] == ["due", "planned"]
    told = [n for n in await db.read(of_inbox, MINE) if n.kind == "revisit_due"]
    assert len(told) == 1
    await db.write(
        revisits.record, series.id, 1, "satisfied", "一切正常", MORNING + 30 * DAY,
        actor="agent:8001",
    )  # fmt: skip
    with pytest.raises(RequestEnded):
        await db.write(revisits.record, series.id, 1, "satisfied", "", MORNING, actor="agent:8001")
    await look(db, MORNING + 60 * DAY)
    done = await db.write(
        revisits.record, series.id, 2, "dissatisfied", "又有异响", MORNING + 60 * DAY,
        actor="agent:8001",
    )  # fmt: skip
    assert done.state == "done"
    ticket = await db.read(get, ticket_id)
    assert ticket is not None
    kinds = [e.kind for e in await db.read(timeline.entries_after, 0, 500, ticket_id=ticket_id)]
    assert [k for k in kinds if k.startswith("revisit.")] == [
        "revisit.planned", "revisit.due", "revisit.done", "revisit.due", "revisit.done",
    ]  # fmt: skip


async def test_a_series_is_for_closed_cases_and_can_be_cancelled(db: Database) -> None:
    open_case = await db.write(case)
    with pytest.raises(NotPossibleNow):
        await db.write(revisits.plan, open_case.id, 30, 2, MORNING, actor="王主管")
    ticket_id = await closed(db)
    series = await db.write(revisits.plan, ticket_id, 30, 2, MORNING, actor="王主管")
    await db.write(revisits.cancel, series.id, "客户不愿", MORNING, actor="王主管")
    await look(db, MORNING + 60 * DAY)
    assert await db.read(revisits.due) == []
    with pytest.raises(NoSuchRevisit):
        await db.write(revisits.cancel, 404, "", MORNING, actor="王主管")
    assert SYSTEM.actor == "system"
