"""What a customer answers by SMS.

"1" or "2" (alone, or with the ticket's number: "1 100014") answers the question that was sent to
this very number: 1 confirms and closes the case, 2 reopens it. Only where exactly one question is
open, for nobody knows which of two was meant. Anything else is a note on the ticket that the sender
was last written to about, or on the sender's open case; a case that waits for the customer goes
on. A word like 退订 ends all further SMS to the number.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select, update

from desk.customers import find_by_number
from desk.db.insert import insert_unless_there
from desk.db.schema.automation import messages, replies
from desk.db.types import iso
from desk.messages.message import MOST_TEXT, Asks, Channel, State
from desk.messages.optouts import opt_out
from desk.numbering import ticket_id_of, ticket_number
from desk.region import locate
from desk.text import storable
from desk.tickets import closing, notes, open_cases, steps
from desk.tickets.change import SYSTEM
from desk.tickets.confirmations import Given, Identity, Source
from desk.tickets.states import Status
from desk.tickets.survivors import survivor_of
from desk.tickets.ticket import Ticket
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

ABOUT = timedelta(days=30)
"""An answer is taken to be about what the sender was written to within this time."""
OPT_OUT_WORDS = ("TD", "T", "退订")
NOT_SOLVED = "客户短信回复:未解决 / the customer answered by SMS: not solved"
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_ANSWER = re.compile(r"([12])(?:\D+(\d{6,18}))?")


class Outcome(StrEnum):
    """What came of an answer."""

    CONFIRMED = "confirmed"
    REOPENED = "reopened"
    NOTED = "noted"
    OPTED_OUT = "opted_out"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and what came of it. `again`: it was received before, and nothing was done now."""

    id: int
    outcome: Outcome
    ticket_id: int | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Question:
    message_id: int
    ticket: Ticket


_INSERT = insert_unless_there(
    replies,
    ("provider", "provider_id", "sender", "text", "outcome", "ticket_id", "message_id", "at"),
)


def received(
    db: Connection,
    sender: str,
    text: str,
    now: datetime,
    *,
    provider: str = "",
    provider_id: str = "",
    opt_out_words: tuple[str, ...] = OPT_OUT_WORDS,
) -> Reply:
    """Take in an SMS that a customer sent; `message.received`.

    Args:
        sender: the number in any form.
        provider, provider_id: what the provider calls it: the same again does nothing. Without an
            id the same words of the same sender at the same moment are the same SMS.
    """
    number = locate(sender, "").e164 or storable(sender.strip(), 40)
    words = storable(text.strip(), MOST_TEXT)
    named = storable(provider, 60), storable(provider_id, 200) or iso(now) + number + words[:60]
    row = {
        "provider": named[0],
        "provider_id": named[1],
        "sender": number,
        "text": words,
        "outcome": Outcome.UNMATCHED.value,
        "ticket_id": None,
        "message_id": None,
        "at": now,
    }
    new = _INSERT.execute(db, row).rowcount > 0
    known = select(replies.c.id, replies.c.outcome, replies.c.ticket_id).where(
        replies.c.provider == named[0], replies.c.provider_id == named[1]
    )
    found = db.execute(known).one()
    if not new:
        return Reply(found.id, Outcome(found.outcome), found.ticket_id, again=True)
    return _act(db, found.id, number, words, now, opt_out_words)


def of_ticket(
    db: Connection, ticket_id: int, limit: int = 200
) -> list[tuple[datetime, str, Outcome]]:
    """What customers answered about a ticket, oldest first: when, what, and what came of it."""
    query = select(replies.c.at, replies.c.text, replies.c.outcome).where(
        replies.c.ticket_id == ticket_id
    )
    found = db.execute(query.order_by(replies.c.id).limit(min(limit, 200)))
    return [(row.at, row.text, Outcome(row.outcome)) for row in found]


def _act(
    db: Connection,
    reply_id: int,
    sender: str,
    words: str,
    now: datetime,
    opt_out_words: tuple[str, ...],
) -> Reply:
    said = _AROUND.sub("", unicodedata.normalize("NFKC", words)).upper()
    if said in {word.upper() for word in opt_out_words}:
        opt_out(db, Channel.SMS, sender, now, actor="customer", reason=words)
        return _settled(db, reply_id, words, Outcome.OPTED_OUT, _about(db, sender, now), now)
    answer = _ANSWER.fullmatch(said)
    question = _asked(db, sender, answer[2]) if answer else None
    if answer and question:
        return _answered(db, reply_id, sender, words, answer[1] == "1", question, now)
    about = _about(db, sender, now)
    if about is None:
        return _settled(db, reply_id, words, Outcome.UNMATCHED, None, now)
    _noted(db, about, words, now)
    return _settled(db, reply_id, words, Outcome.NOTED, about, now)


def _answered(
    db: Connection,
    reply_id: int,
    sender: str,
    words: str,
    solved: bool,
    question: _Question,
    now: datetime,
) -> Reply:
    ticket = question.ticket
    given = Given(Source.SMS, Identity.SENDER, evidence=words)
    if solved:
        closing.confirm(db, ticket.id, given, now, by=SYSTEM, expected_version=None)
    else:
        closing.reopen(
            db, ticket.id, NOT_SOLVED, now, by=SYSTEM, expected_version=None, given=given
        )
    asked = update(messages).where(
        messages.c.recipient == sender,
        messages.c.ticket_id == ticket.id,
        messages.c.asks == Asks.CONFIRM.value,
        messages.c.answered_at.is_(None),
    )
    db.execute(asked.values(answered_at=now))
    outcome = Outcome.CONFIRMED if solved else Outcome.REOPENED
    return _settled(db, reply_id, words, outcome, ticket, now, question.message_id)


def _asked(db: Connection, sender: str, number: str | None) -> _Question | None:
    """The one question that an answer of this sender can mean; None: there is none, or several."""
    query = (
        select(messages.c.id, messages.c.ticket_id, messages.c.cycle)
        .where(
            messages.c.recipient == sender,
            messages.c.channel == Channel.SMS.value,
            messages.c.asks == Asks.CONFIRM.value,
            messages.c.answered_at.is_(None),
            messages.c.attempts > 0,
            messages.c.state.in_([State.SENT.value, State.QUEUED.value]),
        )
        .order_by(messages.c.id)
    )
    wanted = ticket_id_of(number) if number else None
    found: dict[int, _Question] = {}
    for row in db.execute(query).all():
        ticket = get_ticket(db, row.ticket_id)
        if ticket is None or (ticket.status, ticket.cycle) != (Status.RESOLVED, row.cycle):
            continue
        if number is None or ticket.id == wanted:
            found[ticket.id] = _Question(row.id, ticket)
    return next(iter(found.values())) if len(found) == 1 else None


def _about(db: Connection, sender: str, now: datetime) -> Ticket | None:
    """The ticket that the sender was last written to about, else the sender's open case."""
    query = (
        select(messages.c.ticket_id)
        .where(
            messages.c.recipient == sender,
            messages.c.ticket_id.is_not(None),
            messages.c.attempted_at >= now - ABOUT,
        )
        .order_by(messages.c.id.desc())
        .limit(1)
    )
    ticket_id = db.execute(query).scalar()
    if ticket_id is not None:
        return get_ticket(db, survivor_of(db, ticket_id))
    whose = [customer.id for customer in find_by_number(db, sender)]
    cases = open_cases.open_of(db, whose, sender if sender.startswith("+") else "", now)
    return cases.best if cases.certain else None


def _noted(db: Connection, ticket: Ticket, words: str, now: datetime) -> None:
    notes.add(db, ticket.id, f"客户短信 / SMS from the customer: {words or '-'}", now, by=SYSTEM)
    if ticket.status == Status.WAITING_CUSTOMER and ticket.assignee:
        steps.start(db, ticket.id, now, by=SYSTEM, expected_version=None)


def _settled(
    db: Connection,
    reply_id: int,
    words: str,
    outcome: Outcome,
    ticket: Ticket | None,
    now: datetime,
    message_id: int | None = None,
) -> Reply:
    ticket_id = ticket.id if ticket is not None else None
    values = {"outcome": outcome.value, "ticket_id": ticket_id, "message_id": message_id}
    db.execute(update(replies).where(replies.c.id == reply_id).values(**values))
    append(
        db,
        kind="message.received",
        body={
            "reply_id": reply_id,
            "channel": Channel.SMS.value,
            "number": ticket_number(ticket_id) if ticket_id is not None else None,
            "text": words,
            "outcome": outcome.value,
        },
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id if ticket is not None else None,
        actor="customer",
    )
    return Reply(reply_id, outcome, ticket_id)
