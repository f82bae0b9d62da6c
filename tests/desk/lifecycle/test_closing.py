"""A ticket is closed by the customer's own word, or by a supervisor's name and reason."""

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy.exc

from desk import journal, tickets, timeline
from desk.db.engine import Database
from desk.errors import (
    ConfirmationRefused,
    RoleNotAllowed,
    TransitionIncomplete,
    TransitionRefused,
    VersionConflict,
)
from desk.house import House, declare
from desk.tickets import By, Given, Identity, Source, closing, steps, voiding
from tests.desk.lifecycle.cases import (
    AGENT,
    LATER,
    SUPERVISOR,
    SYSTEM,
    TECHNICIAN,
    begun,
    closed,
    key,
    opened,
    resolved,
    spoken,
    talk,
)
from tests.rig.samples import NOW, begin, sql


async def test_the_customers_word_closes_and_says_where_it_can_be_heard(db: Database) -> None:
    ticket = await db.write(closed)
    assert (ticket.status, ticket.version, ticket.closed_at) == ("closed", 4, LATER)
    [found] = await db.read(tickets.confirmations.of_ticket, ticket.id)
    assert ticket.confirmation_id == found.id
    assert (found.answer, found.source, found.identity) == ("solved", "talk", "asked")
    assert (found.call_id, found.actor, found.at) == ("c1", AGENT.actor, LATER)
    last = (await db.read(timeline.entries_after, 0, 99, ticket_id=ticket.id))[-1]
    assert (last.kind, last.call_id, last.actor) == ("ticket.confirmed", "c1", "agent:8001")
    assert last.body == {
        "number": ticket.number, "version": 4, "from": "resolved", "status": "closed", "cycle": 1,
        "triggers": ["survey", "revisit"], "confirmation_id": found.id, "source": "talk",
        "identity": "asked", "recording_id": None,
    }  # fmt: skip
    assert ticket == await db.read(tickets.get, ticket.id)


@pytest.mark.parametrize(
    ("given", "by", "why"),
    [
        (Given(Source.TALK, Identity.PRESSED, "c1"), AGENT, "by asked, ticket_number, not by"),
        (Given(Source.KEY, Identity.PRESSED, "c1"), AGENT, "not by hand"),
        (Given(Source.LINK, Identity.TOKEN, evidence="x"), SUPERVISOR, "not by hand"),
        (Given(Source.TALK, Identity.ASKED, "c1"), SYSTEM, "not the system"),
        (Given(Source.TALK, Identity.ASKED), AGENT, "the call .* is missing"),
        (Given(Source.TALK, Identity.ASKED, "nowhere"), AGENT, "does not belong"),
        (Given(Source.TALK, Identity.ASKED, "c2"), AGENT, "does not belong"),
        (Given(Source.TALK, Identity.ASKED, "mute"), AGENT, "nobody spoke"),
        (Given(Source.TALK, Identity.ASKED, "early"), AGENT, "over before there was a solution"),
        (Given(Source.TALK, Identity.ASKED, "c1", 99), AGENT, "recording 99 is not of"),
        (Given(Source.SMS, Identity.SENDER), SYSTEM, "words of the message"),
        (Given(Source.OVERRIDE, Identity.ASKED), SUPERVISOR, "not the customer's word"),
    ],
)
async def test_what_is_no_confirmation_closes_nothing(
    db: Database, given: Given, by: By, why: str
) -> None:
    ticket = await db.write(resolved)
    await db.write(opened, "c2")
    await db.write(begin, "mute")
    await db.write(tickets.join, "mute", ticket.id, NOW)
    await db.write(spoken, "early", ticket.id)
    await db.write(journal.end, "early", "completed", LATER - timedelta(seconds=1))
    with pytest.raises(ConfirmationRefused, match=why):
        await db.write(
            closing.confirm, ticket.id, given, LATER, by=by, expected_version=ticket.version
        )
    assert await db.read(tickets.get, ticket.id) == ticket
    assert await db.read(tickets.confirmations.of_ticket, ticket.id) == []


@pytest.mark.parametrize(
    "given",
    [key(), Given(Source.KEY, Identity.TICKET_NUMBER, "c1"),
     Given(Source.SMS, Identity.SENDER, evidence="好了"),
     Given(Source.LINK, Identity.TOKEN, evidence="link-7")],
)  # fmt: skip
async def test_keys_messages_and_links_close_without_anybodys_hand(
    db: Database, given: Given
) -> None:
    ticket = await db.write(resolved)
    done = await db.write(
        closing.confirm, ticket.id, given, LATER, by=SYSTEM, expected_version=None
    )
    assert done.status == "closed"


async def test_only_a_supervisor_by_name_and_reason_decides_for_the_customer(db: Database) -> None:
    ticket = await db.write(resolved)

    async def override(by: By, name: str, reason: str) -> tickets.Ticket:
        return await db.write(
            closing.override, ticket.id, name, reason, LATER, by=by, expected_version=3
        )

    with pytest.raises(RoleNotAllowed):
        await override(AGENT, "王莉", "三次回访无人接听")
    for name, reason in (("", "三次回访无人接听"), ("王莉", "  ")):
        with pytest.raises(TransitionIncomplete):
            await override(SUPERVISOR, name, reason)
    done = await override(SUPERVISOR, "王莉", "三次回访无人接听")
    [found] = await db.read(tickets.confirmations.of_ticket, ticket.id)
    assert (done.status, done.confirmation_id) == ("closed", found.id)
    assert (found.answer, found.supervisor) == ("overridden", "王莉")


async def test_a_question_solved_in_the_call_is_recorded_with_its_solution(db: Database) -> None:
    ticket = await db.write(opened)
    done = await db.write(
        closing.solve_in_call, ticket.id, "重启路由器", talk(), NOW, by=AGENT, expected_version=1
    )
    assert (done.status, done.solution, done.version) == ("closed", "重启路由器", 2)
    assert (done.assignee, done.resolved_at, done.closed_at) == ("agent:8001", NOW, NOW)
    with pytest.raises(TransitionRefused):
        await db.write(
            closing.solve_in_call, ticket.id, "x", talk(), NOW, by=AGENT, expected_version=2
        )


async def test_an_old_call_does_not_solve_what_it_did_not(db: Database) -> None:
    ticket = await db.write(opened)
    await db.write(journal.end, "c1", "completed", NOW)
    late = NOW + closing.AFTER_CALL + timedelta(seconds=1)
    with pytest.raises(ConfirmationRefused, match="over before there was a solution"):
        await db.write(
            closing.solve_in_call, ticket.id, "重启", talk(), late, by=AGENT, expected_version=1
        )
    done = await db.write(
        closing.solve_in_call, ticket.id, "重启", talk(), NOW + closing.AFTER_CALL, by=AGENT,
        expected_version=1,
    )  # fmt: skip
    assert done.status == "closed"


async def test_the_customers_no_is_kept_and_a_new_cycle_begins(db: Database) -> None:
    ticket = await db.write(resolved)
    again = await db.write(
        closing.reopen, ticket.id, "客户按 2", LATER, by=SYSTEM, expected_version=None, given=key()
    )
    assert (again.status, again.cycle, again.solution) == ("reopened", 2, "")
    assert (again.resolved_at, again.confirmation_id) == (None, None)
    [found] = await db.read(tickets.confirmations.of_ticket, ticket.id)
    assert (found.answer, found.cycle) == ("not_solved", 1)
    on = await db.write(steps.start, ticket.id, LATER, by=AGENT, expected_version=again.version)
    with pytest.raises(TransitionIncomplete, match="never_reopened"):
        await db.write(
            voiding.void, ticket.id, "test", LATER, by=AGENT, expected_version=on.version
        )


async def test_the_database_itself_refuses_a_closed_ticket_without_confirmation(
    db: Database,
) -> None:
    await db.write(resolved)
    for wrong in ("closed", "void", "merged", "solved"):
        with pytest.raises(sqlalchemy.exc.IntegrityError):
            await sql(db, f"UPDATE tickets SET status = '{wrong}'")  # noqa: S608
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        await sql(
            db,
            "INSERT INTO confirmations (ticket_id, cycle, answer, source, identity, evidence,"
            " supervisor, reason, actor, at) VALUES (1, 1, 'overridden', 'override', '', '', '',"
            " 'because', 'x', '2026-11-22T01:02:03.000004+00:00')",
        )


async def test_who_has_seen_an_old_version_changes_nothing_and_hears_both(db: Database) -> None:
    ticket = await db.write(begun)
    with pytest.raises(VersionConflict) as conflict:
        await db.write(closing.resolve, ticket.id, "x", NOW, by=AGENT, expected_version=1)
    assert (conflict.value.found, conflict.value.expected) == (2, 1)
    with pytest.raises(ValueError, match="pass the version"):
        await db.write(closing.resolve, ticket.id, "x", NOW, by=AGENT, expected_version=None)


async def test_a_technician_takes_up_and_solves_but_does_not_void(db: Database) -> None:
    ticket = await db.write(begun, "c1", TECHNICIAN)
    assert ticket.assignee == TECHNICIAN.actor
    with pytest.raises(RoleNotAllowed):
        await db.write(voiding.void, ticket.id, "test", NOW, by=TECHNICIAN, expected_version=2)
    done = await db.write(
        closing.resolve, ticket.id, "换板", NOW, by=TECHNICIAN, expected_version=2
    )
    assert done.status == "resolved"


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (1.0, 5)])
async def test_the_house_says_how_many_of_what_is_void_are_looked_at(
    db: Database, share: float, wanted: int
) -> None:
    await db.write(declare, House(void_sample=share), NOW)
    for number in range(5):
        ticket = await db.write(opened, f"c{number}")
        await db.write(voiding.void, ticket.id, "test", NOW, by=AGENT, expected_version=1)
    assert len(await db.read(tickets.search, void_check="wanted")) == wanted


async def test_a_sample_of_what_is_void_is_looked_at_and_may_be_taken_back(db: Database) -> None:
    for call_id, drawn, wanted in (("c1", 0.09, "wanted"), ("c2", 0.1, "")):
        ticket = await db.write(opened, call_id)
        void = await db.write(
            voiding.void, ticket.id, "silent", NOW, by=AGENT, expected_version=1, sample=0.1,
            draw=partial(float, drawn),
        )  # fmt: skip
        assert (void.status, void.void_reason, void.void_check) == ("void", "silent", wanted)
    [asked] = await db.read(tickets.search, void_check="wanted")
    with pytest.raises(RoleNotAllowed):
        await db.write(voiding.pass_void, asked.id, NOW, by=AGENT, expected_version=2)
    passed = await db.write(voiding.pass_void, asked.id, NOW, by=SUPERVISOR, expected_version=2)
    assert passed.void_check == "passed"
    with pytest.raises(TransitionRefused):
        await db.write(voiding.pass_void, asked.id, NOW, by=SUPERVISOR, expected_version=3)
    back = await db.write(
        closing.reopen, asked.id, "是客户", NOW, by=SUPERVISOR, expected_version=3
    )
    assert (back.status, back.void_reason, back.void_check) == ("reopened", "", "")
