"""Who is asked how, how often, and what becomes of a question that nobody answers."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from desk import messages, routing, tickets, timeline
from desk.db.engine import Database
from desk.notices import Inbox, of_inbox
from desk.outbound import OutboundSettings, marks, outcomes
from desk.outbound.confirming import is_open
from desk.tickets import By, Identity, NewTicket, Role, closing, confirmations, get, merging
from tests.desk.outbound.samples import (
    AGENT,
    CHINA,
    EVENING,
    LANDLINE,
    MOBILE,
    MORNING,
    SETTINGS,
    case,
    confirming,
    dial,
    look,
    request_of,
    solve,
)
from tests.desk.routing.cases import begin

HANDLER = Inbox.of("8001", ("agent:8001",), "agent", "tianjin")
HOUR = timedelta(hours=1)
LEAD = By("组长", Role.LEAD)


async def asked(db: Database, now=MORNING, settings=SETTINGS, **values):  # type: ignore[no-untyped-def]
    """A case that was resolved, and the question that the desk made of it."""
    await look(db, now, settings)
    ticket = await db.write(case, now=now, **values)
    await look(db, now, settings)
    return ticket, await db.read(request_of, ticket.id)


@pytest.mark.parametrize(
    ("level", "way"), [(0, "call"), (1, "handler"), (2, "call"), (3, "call"), (4, "sms")]
)
async def test_the_level_says_how_and_the_gravest_is_always_its_handlers(
    db: Database, level: int, way: str
) -> None:
    ticket, request = await asked(db, level=level)
    assert request.way == way
    tasks = [n for n in await db.read(of_inbox, HANDLER) if n.kind == "confirm_task"]
    assert [notice.ticket_id for notice in tasks] == ([ticket.id] if way == "handler" else [])
    assert request.state == ("waiting" if way == "call" else "asked")


async def test_a_case_that_turned_grave_in_the_moment_of_its_solution_is_its_handlers(
    db: Database,
) -> None:
    def turned(c: Connection) -> int:
        begin(c)
        ticket = tickets.open_ticket(c, NewTicket("complaint", "投诉"), MORNING)
        tickets.describe(c, ticket.id, "要找律师", MORNING)  # nobody has routed it yet
        return solve(c, ticket.id, MORNING).id

    await look(db, MORNING)
    ticket_id = await db.write(turned)
    await look(db, MORNING)
    ticket, request = await db.read(tickets.get, ticket_id), await db.read(request_of, ticket_id)
    assert ticket is not None
    assert (ticket.level, ticket.status, request.way) == (1, "resolved", "handler")


async def test_a_case_that_turns_grave_before_its_customer_is_asked_is_its_handlers(
    db: Database,
) -> None:
    ticket, before = await asked(db, level=3)
    assert (before.way, before.state) == ("call", "waiting")
    await db.write(lambda c: routing.set_level(c, ticket.id, 1, MORNING, reason="要找律师"))
    await look(db, MORNING)
    request = await db.read(request_of, ticket.id)
    assert (request.id, request.way, request.state) == (before.id, "handler", "asked")
    tasks = [n for n in await db.read(of_inbox, HANDLER) if n.kind == "confirm_task"]
    assert [notice.ticket_id for notice in tasks] == [ticket.id]


def test_no_setting_hands_the_gravest_level_to_a_machine() -> None:
    with pytest.raises(ValueError, match="level 1 is always asked by its handler"):
        OutboundSettings.model_validate({"confirm": {"ways": {1: "call"}}})


async def test_a_case_is_asked_about_once_in_each_cycle(db: Database) -> None:
    ticket, first = await asked(db)
    await look(db, MORNING + HOUR)
    await db.write(
        closing.reopen, ticket.id, "又坏了", MORNING, by=AGENT, expected_version=ticket.version
    )
    await look(db, MORNING)
    withdrawn = await db.read(request_of, ticket.id)
    assert (withdrawn.id, withdrawn.state, withdrawn.outcome) == (first.id, "done", "reopened")
    await db.write(solve, ticket.id, MORNING)
    await look(db, MORNING)
    second = await db.read(request_of, ticket.id)
    assert (second.id != first.id, second.cycle, second.state) == (True, 2, "waiting")


async def test_a_merged_case_asks_no_more_and_asks_again_once_it_stands_alone(
    db: Database,
) -> None:
    ticket, _ = await asked(db)
    other = await db.write(case, LANDLINE)
    await look(db, MORNING)
    merged = await db.write(
        merging.merge, ticket.id, other.id, MORNING, by=AGENT, expected_version=ticket.version
    )
    await look(db, MORNING)
    assert (await db.read(request_of, ticket.id)).state == "done"
    await db.write(
        merging.unmerge, ticket.id, "两回事", MORNING,
        by=LEAD, expected_version=merged.version,
    )  # fmt: skip
    await look(db, MORNING)
    assert (await db.read(request_of, ticket.id)).state == "waiting"


async def test_customers_are_left_alone_outside_the_hours(db: Database) -> None:
    _, request = await asked(db, EVENING)
    assert request.due_at is not None
    assert request.due_at.astimezone(CHINA).isoformat() == "2026-11-19T09:00:00+08:00"


async def test_unanswered_calls_are_repeated_then_an_sms_then_a_person(db: Database) -> None:
    settings = confirming(attempts=3, attempts_per_day=2, retry_minutes=60, sms_hours=48)
    ticket, request = await asked(db, settings=settings)
    at = MORNING
    for number in range(3):
        await db.write(dial, request, f"huisheng-outbound-1-{number}", at)
        await db.write(
            outcomes.settle, request.id, f"huisheng-outbound-1-{number}", "no_answer",
            settings, CHINA, at,
        )  # fmt: skip
        request = await db.read(request_of, ticket.id)
        if number == 0:
            assert request.due_at == MORNING + HOUR
        elif number == 1:
            assert request.due_at.astimezone(CHINA).isoformat() == "2026-11-19T09:00:00+08:00"
        at = request.due_at
    await look(db, at, settings, "https://hui.example.cn")
    request = await db.read(request_of, ticket.id)
    assert (request.way, request.state, request.attempts) == ("sms", "asked", 3)
    entries = await db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)
    (queued,) = [each for each in entries if each.kind == "message.queued"]
    assert queued.body is not None
    assert "/l/" not in queued.body["text"], "the link is the customer's alone"
    sent = (await db.read(messages.of_ticket, ticket.id))[-1]
    assert (sent.template, sent.to) == ("confirm_link", f"+86{MOBILE}")
    assert "https://hui.example.cn/l/" in sent.text
    await look(db, at + 47 * HOUR, settings)
    assert (await db.read(request_of, ticket.id)).way == "sms"
    await look(db, at + 49 * HOUR, settings)
    assert (await db.read(request_of, ticket.id)).way == "handler"
    assert {n.kind for n in await db.read(of_inbox, HANDLER)} >= {"confirm_task"}


async def test_trouble_of_the_trunk_costs_the_customer_no_attempt(db: Database) -> None:
    settings = confirming(attempts=1, most_days=3)
    ticket, request = await asked(db, settings=settings)
    at = MORNING
    for number in range(4):
        name = f"huisheng-outbound-1-{number}"
        await db.write(dial, request, name, at)
        await db.write(outcomes.settle, request.id, name, "trunk", settings, CHINA, at)
        request = await db.read(request_of, ticket.id)
        assert (request.way, request.state) == ("call", "waiting")
        at = request.due_at
    assert at > MORNING + timedelta(minutes=5 + 10 + 20 + 40) - timedelta(seconds=1)


async def test_an_attempt_is_settled_once_whoever_says_it_again(db: Database) -> None:
    ticket, request = await asked(db)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    for why in ("no_answer", "lost"):
        await db.write(
            outcomes.settle, request.id, "huisheng-outbound-1-a", why, SETTINGS, CHINA, MORNING
        )
    entries = await db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)
    assert [e.kind for e in entries].count("outbound.postponed") == 1


@pytest.mark.parametrize("solved", [True, False])
async def test_the_key_is_the_answer_once_even_if_it_is_told_twice(
    db: Database, solved: bool
) -> None:
    ticket, request = await asked(db)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    for _ in range(2):
        said = await db.write(
            outcomes.answer, request.id, "huisheng-outbound-1-a", solved, Identity.PRESSED,
            "", MORNING,
        )  # fmt: skip
        assert said == ("solved" if solved else "not_solved")
    found = await db.read(get, ticket.id)
    assert found is not None
    assert found.status == ("closed" if solved else "reopened")
    (given,) = await db.read(confirmations.of_ticket, ticket.id)
    assert (given.call_id, given.identity) == ("huisheng-outbound-1-a", "pressed")


async def test_a_key_about_a_case_that_was_reopened_meanwhile_closes_nothing(
    db: Database,
) -> None:
    ticket, request = await asked(db)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    await db.write(
        closing.reopen, ticket.id, "又坏了", MORNING, by=AGENT, expected_version=ticket.version
    )
    said = await db.write(
        outcomes.answer, request.id, "huisheng-outbound-1-a", True, Identity.PRESSED, "", MORNING
    )
    assert said == "too_late"
    found = await db.read(get, ticket.id)
    assert found is not None
    assert found.status == "reopened"
    assert not await db.read(is_open, request)


@pytest.mark.parametrize(
    ("values", "identity"),
    [
        ({}, "pressed"),
        ({"owners": 2}, "ticket_number"),
        ({"number": "", "on_file": (MOBILE,)}, "ticket_number"),
        ({"number": "17022220001"}, "ticket_number"),
    ],
    ids=["own", "shared", "withheld", "virtual"],
)
async def test_a_number_that_is_not_surely_the_customers_takes_the_ticket_number_and_no_sms(
    db: Database, values: dict[str, object], identity: str
) -> None:
    settings = confirming(attempts=1)
    ticket, request = await asked(db, settings=settings, **values)
    assert request.identity == identity
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    await db.write(
        outcomes.settle, request.id, "huisheng-outbound-1-a", "no_key", settings, CHINA, MORNING
    )
    fallen = await db.read(request_of, ticket.id)
    assert fallen.way == ("sms" if identity == "pressed" else "handler")


@pytest.mark.parametrize("mark", ["shared", "recycled", "virtual"])
async def test_so_does_a_number_that_is_marked(db: Database, mark: marks.MarkName) -> None:
    await db.write(marks.put, f"+86{MOBILE}", mark, "x", MORNING, actor="agent:8001")
    _, request = await asked(db)
    assert (request.way, request.identity) == ("call", "ticket_number")


@pytest.mark.parametrize("number", ["", "0085223456789", "95588", "700123456789012", "4008123123"])
async def test_withheld_foreign_and_service_numbers_are_a_persons_task(
    db: Database, number: str
) -> None:
    ticket, request = await asked(db, number=number, on_file=("0085223456789",))
    assert (request.way, request.number, request.state) == ("handler", "", "asked")
    kinds = {n.kind for n in await db.read(of_inbox, HANDLER) if n.ticket_id == ticket.id}
    assert kinds == {"confirm_task", "mobile_wanted"}


async def test_an_attempt_whose_outcome_nobody_knows_counts_as_made(db: Database) -> None:
    settings = confirming(attempts=1)
    ticket, request = await asked(db, settings=settings)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    await db.write(
        outcomes.settle, request.id, "huisheng-outbound-1-a", "lost", settings, CHINA, MORNING
    )
    fallen = await db.read(request_of, ticket.id)
    assert (fallen.way, fallen.attempts) == ("sms", 1), "the only call is spent"


async def test_who_does_not_want_calls_gets_none(db: Database) -> None:
    await db.write(
        marks.put, "+8613820220001", "do_not_call", "客户要求", MORNING, actor="agent:8001"
    )
    _, request = await asked(db)
    assert (request.way, request.state) == ("handler", "asked")


async def test_without_a_trunk_the_question_goes_by_sms(db: Database) -> None:
    _, request = await asked(db, settings=OutboundSettings())
    assert (request.way, request.state) == ("sms", "asked")


async def test_a_stranger_marks_the_number_and_nothing_is_sent_there(db: Database) -> None:
    ticket, request = await asked(db)
    await db.write(dial, request, "huisheng-outbound-1-a", MORNING)
    await db.write(
        outcomes.settle, request.id, "huisheng-outbound-1-a", "stranger", SETTINGS, CHINA, MORNING
    )
    await look(db, MORNING)
    request = await db.read(request_of, ticket.id)
    assert (request.way, request.state) == ("handler", "asked")
    assert await db.read(marks.of_number, "+8613820220001") == {"recycled"}
