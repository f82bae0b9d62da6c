"""Notes reach those for whom they are: colleagues who are mentioned, and the customer if asked."""

from datetime import timedelta

import pytest

from desk import customers, messages, notices, sla, tickets, timeline
from desk.db.engine import Database
from desk.notices import Inbox
from desk.teamwork import noting, watching
from desk.teamwork.mentions import UnknownMention
from desk.teamwork.noting import NewNote, NoWayToReach
from desk.teamwork.people import Person, Roster
from desk.tickets import NewTicket, notes
from desk.tickets.notes import Note
from tests.desk.lifecycle.cases import AGENT, SYSTEM
from tests.rig.samples import NOW, call_with_ticket, count

ROSTER = Roster.of([Person("zhang.min", ("8001", "张敏"), "天津")], ["北京"])
ZHANG = Inbox.of("zhang.min", ["zhang.min"], "agent", "天津")
BEIJING = Inbox.of("wang", ["wang"], "agent", "北京")
LATER = NOW + timedelta(minutes=5)


async def write(db: Database, ticket_id: int, *what: object, **more: object) -> Note:
    new = NewNote(*what, **more)  # type: ignore[arg-type]
    return await db.write(noting.write, ticket_id, new, LATER, by=AGENT, roster=ROSTER)


async def of_customer(db: Database, numbers: str, email: str = "") -> int:
    file = f"name,numbers,email\n王小明,{numbers},{email}\n"
    await db.write(customers.import_csv, file, NOW)
    new = NewTicket("complaint", "不制冷", customer_ids=(1,))
    return (await db.write(tickets.open_ticket, new, NOW)).id


async def test_who_is_mentioned_is_told_and_watches_from_then_on(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    note = await write(db, ticket.id, "请@张敏和@team:北京 看看,客户 13812345678")
    assert note.mentions == ("zhang.min", "team:北京")
    [told] = await db.read(notices.of_inbox, ZHANG)
    assert (told.kind, told.ticket_id, told.actor) == ("mention", ticket.id, AGENT.actor)
    assert len(await db.read(notices.of_inbox, BEIJING)) == 1
    [watcher] = await db.read(watching.of_ticket, ticket.id)
    assert (watcher.watcher, watcher.cause) == ("zhang.min", watching.Cause.MENTION)
    [read] = await db.read(notes.of_ticket, ticket.id)
    assert read == note


async def test_a_note_that_speaks_to_nobody_known_is_not_written(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    with pytest.raises(UnknownMention, match="赵六"):
        await write(db, ticket.id, "@赵六 请看,@张敏也看")
    assert await db.read(notes.of_ticket, ticket.id) == []
    assert await db.read(count, "notices") == await db.read(count, "watchers") == 0
    note = await write(db, ticket.id, "请联系 @赵六", public=True)
    assert note.mentions == (), "the customer's text is not searched for colleagues"


async def test_a_public_note_goes_to_the_customer_by_the_way_that_is_asked_for(
    db: Database,
) -> None:
    ticket_id = await of_customer(db, "022-53456789;13812345678", "wang@example.com")
    note = await write(db, ticket_id, "师傅明天上午到", public=True, send="sms")
    mail = await write(db, ticket_id, "师傅明天上午到", public=True, send="email")
    sent = await db.read(messages.of_ticket, ticket_id)
    assert [(one.channel, one.to, one.text, one.key) for one in sent] == [
        ("sms", "+8613812345678", "师傅明天上午到", f"note:{note.id}"),
        ("email", "wang@example.com", "师傅明天上午到", f"note:{mail.id}"),
    ]
    assert [one.sent_by for one in await db.read(notes.of_ticket, ticket_id)] == ["sms", "email"]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (NewNote("x", send="sms"), "only a public note"),
        (NewNote("x", True, "email"), "no e-mail address"),
        (NewNote("x", True, "sms", "+8613900000000"), "none of the customer's own"),
        (NewNote("长" * 2001, True, "sms"), "shorten"),
    ],
)
async def test_a_note_that_cannot_reach_the_customer_is_not_written(
    db: Database, new: NewNote, why: str
) -> None:
    ticket_id = await of_customer(db, "13812345678")
    with pytest.raises(NoWayToReach, match=why):
        await db.write(noting.write, ticket_id, new, NOW, by=AGENT, roster=ROSTER)
    assert await db.read(notes.of_ticket, ticket_id) == []
    assert await db.read(count, "messages") == 0


async def test_a_land_line_alone_gets_no_sms(db: Database) -> None:
    ticket_id = await of_customer(db, "022-53456789")
    with pytest.raises(NoWayToReach, match="no mobile"):
        await write(db, ticket_id, "x", public=True, send="sms")


async def test_a_persons_public_note_is_the_first_response_and_a_machines_is_not(
    db: Database,
) -> None:
    ticket_id = await of_customer(db, "13812345678")
    machine = NewNote("已收到", public=True)
    await db.write(noting.write, ticket_id, machine, NOW, by=SYSTEM, roster=ROSTER)
    await write(db, ticket_id, "内部")
    history = await db.read(sla.history_of, ticket_id)
    assert history is not None
    assert history.contacts == ()
    await write(db, ticket_id, "师傅明天到", public=True)
    history = await db.read(sla.history_of, ticket_id)
    assert history is not None
    assert history.contacts == (LATER,)


async def test_notes_can_be_read_after_their_words_were_erased(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    note = await write(db, ticket.id, "@张敏", public=False)
    await db.write(timeline.erase_bodies, [note.id], "asked", NOW)
    [left] = await db.read(notes.of_ticket, ticket.id)
    assert (left.text, left.public, left.mentions) == (None, False, ())
