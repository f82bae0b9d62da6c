"""A customer's "1" closes the case that was asked about, and no other one; "2" reopens it."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from desk import messages, tickets
from desk.db.engine import Database
from desk.messages import Outcome, Reply
from desk.messages.sending import Sent
from desk.region import locate
from desk.tickets import SYSTEM, confirmations, notes
from tests.desk.messages.cases import LI, MOBILE, NOON, ask, resolved, send, take
from tests.rig.samples import begin, count

LATER = NOON + timedelta(minutes=5)


def asked(db: Connection) -> None:
    ask(db, resolved(db))
    send(db, Sent())


async def reply(db: Database, text: str, sender: str = MOBILE, **named: str) -> Reply:
    return await db.write(messages.received, sender, text, LATER, **named)


async def status(db: Database, ticket_id: int = 1) -> str:
    ticket = await db.read(tickets.get, ticket_id)
    assert ticket is not None
    return ticket.status


@pytest.mark.parametrize("text", ["1", " 1 ", "1。", "\uff11", "1!", "1 100014", "1,工单100014"])
async def test_a_one_closes_the_case_on_the_customers_word(db: Database, text: str) -> None:
    await db.write(asked)
    told = await reply(db, text)
    assert told.outcome is Outcome.CONFIRMED
    assert await status(db) == "closed"
    word = (await db.read(confirmations.of_ticket, 1))[0]
    assert (word.source, word.identity, word.evidence) == ("sms", "sender", text.strip())


@pytest.mark.parametrize("sender", ["13502689471", "8613502689471", "+8613502689471"])
async def test_a_two_reopens_it_in_whatever_form_the_provider_names_the_number(
    db: Database, sender: str
) -> None:
    await db.write(asked)
    assert (await reply(db, "2", sender)).outcome is Outcome.REOPENED
    assert await status(db) == "reopened"
    assert (await db.read(confirmations.of_ticket, 1))[0].answer == "not_solved"


@pytest.mark.parametrize(
    "text", ["1个问题没解决", "11", "12", "没有解决", "好的", "1 2", "3", "1 100022", "", "1 1"]
)
async def test_words_that_are_no_clear_answer_are_read_by_a_person(db: Database, text: str) -> None:
    await db.write(asked)
    assert (await reply(db, text)).outcome is Outcome.NOTED
    assert await status(db) == "resolved"
    assert text in ((await db.read(notes.of_ticket, 1))[-1].text or "")


async def test_a_stranger_who_answers_one_closes_nothing(db: Database) -> None:
    await db.write(asked)
    assert (await reply(db, "1", "+8613502689999")).outcome is Outcome.UNMATCHED
    assert await status(db) == "resolved"


async def test_with_two_questions_open_a_bare_one_closes_neither_and_a_numbered_one_its_own(
    db: Database,
) -> None:
    def two(connection: Connection) -> None:
        asked(connection)
        ask(connection, resolved(connection, "c2"))
        send(connection, Sent())

    await db.write(two)
    assert (await reply(db, "1")).outcome is Outcome.NOTED
    assert [await status(db, n) for n in (1, 2)] == ["resolved", "resolved"]
    assert (await reply(db, "1 100014")).outcome is Outcome.CONFIRMED
    assert [await status(db, n) for n in (1, 2)] == ["closed", "resolved"]
    assert (await reply(db, "2")).outcome is Outcome.REOPENED, "only one is open now"
    assert [await status(db, n) for n in (1, 2)] == ["closed", "reopened"]


async def test_the_same_sms_delivered_twice_counts_once(db: Database) -> None:
    await db.write(asked)
    first = await reply(db, "2", provider="aliyun", provider_id="m-1")
    again = await reply(db, "2", provider="aliyun", provider_id="m-1")
    assert (again.id, again.again, again.outcome) == (first.id, True, Outcome.REOPENED)
    assert await db.read(count, "confirmations") == 1
    other = await reply(db, "2", provider="tencent", provider_id="m-1")
    assert other.id != first.id


async def test_a_question_that_nobody_has_sent_cannot_be_answered(db: Database) -> None:
    await db.write(lambda c: ask(c, resolved(c)) and None)
    assert (await reply(db, "1")).outcome is not Outcome.CONFIRMED
    assert await status(db) == "resolved"


async def test_an_answer_that_overtakes_our_note_of_sending_counts(db: Database) -> None:
    await db.write(lambda c: ask(c, resolved(c)) and None)
    await db.write(take)
    assert (await reply(db, "1")).outcome is Outcome.CONFIRMED


async def test_an_answer_to_the_question_of_an_earlier_solution_closes_nothing(
    db: Database,
) -> None:
    def reopened_and_solved_again(c: Connection) -> None:
        asked(c)
        tickets.closing.reopen(c, 1, "又坏", NOON, by=SYSTEM, expected_version=None)
        ticket = tickets.steps.start(c, 1, NOON, by=LI, expected_version=5)
        tickets.closing.resolve(c, 1, "再修", NOON, by=LI, expected_version=ticket.version)

    await db.write(reopened_and_solved_again)
    assert (await reply(db, "1")).outcome is Outcome.NOTED
    assert await status(db) == "resolved"


async def test_a_case_that_waits_for_the_customer_goes_on_when_he_writes(db: Database) -> None:
    def waiting(c: Connection) -> None:
        begin(c, caller=locate("13502689471", "022"), now=NOON)
        tickets.open_ticket(c, tickets.NewTicket("repair", "x", call_id="c1"), NOON)
        tickets.steps.assign(
            c, 1, NOON, by=SYSTEM, expected_version=None, team="天津", assignee="agent:8001"
        )
        tickets.steps.start(c, 1, NOON, by=LI, expected_version=2)
        tickets.steps.wait(c, 1, "等照片", NOON, by=LI, expected_version=3)

    await db.write(waiting)
    told = await reply(db, "型号是 KFR-35")
    assert (told.outcome, told.ticket_id) == (Outcome.NOTED, 1)
    assert await status(db) == "in_progress"


@pytest.mark.parametrize("text", ["TD", "td", "退订", "T", "退订。"])
async def test_who_unsubscribes_gets_nothing_more(db: Database, text: str) -> None:
    await db.write(asked)
    assert (await reply(db, text)).outcome is Outcome.OPTED_OUT
    assert await status(db) == "resolved"
    assert [one.to for one in await db.read(messages.opted_out)] == [MOBILE]
