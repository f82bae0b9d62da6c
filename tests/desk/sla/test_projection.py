"""What is stored of clocks is what the history says, whatever happened in which order."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select

from desk import customers, sla, tickets, timeline
from desk.db import schema
from desk.db.engine import Database
from desk.db.schema import sla_clocks, sla_steps
from desk.errors import DeskError
from desk.messages import NewMessage, put
from desk.messages.sending import Sent
from desk.sla.book import Book
from desk.sla.clock import Clock
from desk.sla.editions import in_force
from desk.sla.projection import stored_clocks, stored_steps
from desk.sla.reading import history_of
from desk.sla.settings import PolicySettings
from desk.text import parsed
from desk.tickets import SYSTEM, NewTicket, notes, open_ticket
from tests.desk.messages.cases import MOBILE, NOON, send
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import SUPERVISOR, give, go, hand_over, open_case, seen, talk
from tests.rig.samples import NOW, begin

STATUSES = ["assigned", "in_progress", "waiting_customer", "waiting_customer", "escalated",
            "resolved", "resolved", "closed", "reopened", "reopened", "void", "merged"]  # fmt: skip
BOOKS = [
    book(),
    book(30),
    book(300, clock="working"),
    book(600, response=10, clock="working", workday=("10:00-16:00",)),
    book(60, steps=[{"to": "manager", "after_minutes": 5}]),
]
OPERATIONS = st.one_of(
    st.tuples(st.just("status"), st.sampled_from(STATUSES)),
    st.tuples(st.just("status"), st.sampled_from(STATUSES)),
    st.tuples(st.just("team"), st.sampled_from(["tianjin", "night"])),
    st.tuples(st.just("hand_over"), st.sampled_from(["ask", "ask", "take", "refuse"])),
    st.tuples(st.just("note"), st.booleans()),
    st.tuples(st.just("talk"), st.just("")),
    st.tuples(st.just("type"), st.sampled_from(["repair", "complaint"])),
    st.tuples(st.just("apply"), st.sampled_from(BOOKS)),
    st.tuples(st.sampled_from(["follow", "recompute", "fire"]), st.just("")),
)
PLAYS = st.lists(st.tuples(st.integers(0, 2), OPERATIONS, st.integers(0, 300)), max_size=25)
_started = [datetime(2026, 1, 1, tzinfo=UTC)]


def perform(db: Connection, case: tuple[int, str], what: str, value: Any, now: datetime) -> None:
    ticket_id, call_id = case
    match what:
        case "talk":
            talk(db, call_id, now)
        case "apply":
            sla.apply(db, value, now)
        case "follow":
            sla.follow(db, 3)
        case "recompute":
            sla.recompute(db, 1)
        case "fire":
            sla.fire_due(db, now, 2)
        case "status":
            go(db, ticket_id, now, value)
        case "team":
            give(db, ticket_id, now, value)
        case "hand_over":
            hand_over(db, ticket_id, now, value)
        case "note":
            notes.add(db, ticket_id, "已联系", now, by=SUPERVISOR, public=value)
        case "type":
            tickets.edit(db, ticket_id, now, type=value, **seen(db, ticket_id))


def catch_up(db: Connection) -> None:
    while sla.follow(db):
        pass
    while sla.recompute(db):
        pass


def reckoned(db: Connection, ticket_id: int) -> list[Clock]:
    history, editions = history_of(db, ticket_id), in_force(db)
    assert history is not None
    assert editions is not None
    return sla.clocks(history, editions)


@given(PLAYS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_stored_clocks_are_those_of_the_history(db: Database, play: list[Any]) -> None:
    start = now = _started[0]
    await db.write(sla.apply, BOOKS[0], now)
    cases = []
    for number in range(3):
        call_id = f"c{number}-{now.isoformat()}"
        cases.append((await db.write(open_case, call_id, now), call_id))
    for which, (what, value), passed in play:
        now += minutes(passed)
        with suppress(DeskError):  # what the lifecycle refuses has not happened
            await db.write(perform, cases[which], what, value, now)
    await db.write(catch_up)
    _started[0] = now + minutes(1)
    for ticket_id, _ in cases:
        stored, right = await db.read(stored_clocks, ticket_id), await db.read(reckoned, ticket_id)
        fired = {
            step.key[1:]
            for step in await db.read(stored_steps, ticket_id)
            if step.fired_at is not None
        }
        assert [without_steps(clock) for clock in stored] == [without_steps(c) for c in right]
        pending = {
            (str(clock.target), clock.cycle, step): at
            for clock in right
            for step, at in clock.steps
            if (clock.target, clock.cycle, step) not in fired
        }
        assert {
            (str(clock.target), clock.cycle, step): at
            for clock in stored
            for step, at in clock.steps
        } == pending
        assert all(clock.started_at >= start for clock in stored)
        await db.write(forget, ticket_id)
        await db.write(sla.refresh, ticket_id)
        assert await db.read(stored_clocks, ticket_id) == stored, "made again from nothing"
    entries = await db.read(escalations)
    assert len(entries) == len(set(entries)), "a step fired twice"


def without_steps(clock: Clock) -> dict[str, Any]:
    return {name: getattr(clock, name) for name in Clock.__slots__ if name != "steps"}


def forget(db: Connection, ticket_id: int) -> None:
    """Lose what can be made again; that a step has fired cannot."""
    db.execute(delete(sla_clocks).where(sla_clocks.c.ticket_id == ticket_id))
    db.execute(
        delete(sla_steps).where(sla_steps.c.ticket_id == ticket_id, sla_steps.c.fired_at.is_(None))
    )


def escalations(db: Connection) -> list[tuple[Any, ...]]:
    told = schema.timeline.c
    found = db.execute(select(told.ticket_id, told.body).where(told.kind == "sla.escalated"))
    bodies = [(ticket_id, parsed(body)) for ticket_id, body in found]
    return [(i, body["target"], body["cycle"], body["step"]) for i, body in bodies]


async def test_a_live_answer_before_the_ticket_is_the_first_response(db: Database) -> None:
    def play(connection: Connection) -> int:
        sla.apply(connection, book(), NOW)
        begin(connection, "c1")
        talk(connection, "c1", NOW + minutes(1))
        return open_ticket(
            connection, NewTicket("complaint", "天津 投诉", call_id="c1"), NOW + minutes(3)
        ).id

    ticket_id = await db.write(play)
    await db.write(catch_up)
    first = (await db.read(stored_clocks, ticket_id))[0]
    assert (first.target, first.state, first.elapsed) == ("first_response", "met", minutes(0))


async def test_nothing_is_stored_before_policies_are_in_force(db: Database) -> None:
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(catch_up)
    assert await db.read(stored_clocks, ticket_id) == []
    await db.write(sla.apply, book(), NOW + minutes(5))
    await db.write(catch_up)
    found = await db.read(stored_clocks, ticket_id)
    assert [clock.target for clock in found] == ["first_response", "resolution"]
    assert found[1].due_at == NOW + minutes(1440), "the ticket's clock began when it was opened"


async def test_a_history_that_was_erased_leaves_what_was_reckoned_from_it(db: Database) -> None:
    await db.write(sla.apply, book(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(notes.add, ticket_id, "已联系", NOW + minutes(9), by=SUPERVISOR, public=True)
    await db.write(catch_up)
    before = await db.read(stored_clocks, ticket_id)
    assert before[0].state == "met", "a public note is an answer"
    entries = await db.read(timeline.entries_after, 0, 99)
    words = [e.seq for e in entries if e.ticket_id is not None]
    await db.write(timeline.erase_bodies, words, "asked for", NOW)
    await db.write(sla.refresh, ticket_id)
    assert await db.read(stored_clocks, ticket_id) == before
    await db.write(go, ticket_id, NOW + minutes(90), "resolved")
    await db.write(catch_up)
    after = await db.read(stored_clocks, ticket_id)
    assert (after[0], after[1].state) == (before[0], "met"), "what is open goes on"


async def test_what_machines_and_colleagues_write_is_no_first_response(db: Database) -> None:
    await db.write(sla.apply, book(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(notes.add, ticket_id, "内部", NOW, by=SUPERVISOR)
    await db.write(notes.add, ticket_id, "您的工单已受理", NOW, by=SYSTEM, public=True)
    crm = tickets.By("crm", tickets.Role.AGENT, program=True)
    await db.write(notes.add, ticket_id, "我们已收到", NOW, by=crm, public=True)
    await db.write(catch_up)
    assert (await db.read(stored_clocks, ticket_id))[0].state == "running"


async def test_a_message_is_a_first_response_once_it_has_gone_if_a_person_wrote_it(
    db: Database,
) -> None:
    await db.write(sla.apply, book(), NOON)
    ticket_id = await db.write(open_case, "c1", NOON)

    async def writes(key: str, *, by_hand: bool) -> str:
        new = NewMessage("sms", MOBILE, "free", "马上到", ticket_id, None, key, by_hand=by_hand)
        await db.write(put, new, NOON)
        await db.write(catch_up)
        waiting = (await db.read(stored_clocks, ticket_id))[0].state
        assert waiting == "running", "nobody has read it yet"
        await db.write(send, Sent(), NOON + minutes(30))
        await db.write(catch_up)
        return (await db.read(stored_clocks, ticket_id))[0].state

    assert await writes("1", by_hand=False) == "running"
    assert await writes("2", by_hand=True) == "met"
    assert (await db.read(stored_clocks, ticket_id))[0].elapsed == minutes(30)


async def test_a_customers_value_changes_the_policy_of_open_cases_only(db: Database) -> None:
    gold = PolicySettings.model_validate(
        {
            "name": "gold",
            "customer_levels": ["金牌"],
            "targets": {"resolution": {"due_minutes": 60}},
        }
    )
    common = book()
    both = Book.of(common.data.model_copy(update={"policies": [gold, *common.data.policies]}))
    row = customers.CustomerRow(
        line=1, external_id=None, name="王先生", company="", level="", email="", note="",
        numbers=("+862253456789",),
    )  # fmt: skip

    def open_for(connection: Connection, call_id: str) -> int:
        ticket_id = open_case(connection, call_id, NOW)
        tickets.edit(connection, ticket_id, NOW, customer_id=1, **seen(connection, ticket_id))
        return ticket_id

    await db.write(sla.apply, both, NOW)
    await db.write(customers.upsert, [row], NOW)
    done, still = await db.write(open_for, "c1"), await db.write(open_for, "c2")
    await db.write(go, done, NOW + minutes(90), "resolved")
    await db.write(catch_up)
    await db.write(customers.upsert, [replace(row, level="金牌")], NOW + minutes(100))
    await db.write(catch_up)
    solved = (await db.read(stored_clocks, done))[-1]
    running = (await db.read(stored_clocks, still))[-1]
    assert (solved.policy, solved.state) == ("all", "met"), "judged by what was known then"
    assert (running.policy, running.due_at) == ("gold", NOW + minutes(60))


async def test_a_clock_of_the_machine_that_was_set_back_turns_no_history_round(
    db: Database,
) -> None:
    await db.write(sla.apply, book(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(go, ticket_id, NOW + minutes(30), "waiting_customer")
    await db.write(go, ticket_id, NOW + minutes(10), "in_progress")
    history = await db.read(sla.history_of, ticket_id)
    assert history is not None
    assert [at for at, _ in history.states] == sorted(at for at, _ in history.states)
    await db.write(catch_up)
    assert (await db.read(stored_clocks, ticket_id))[-1].elapsed == minutes(30)
