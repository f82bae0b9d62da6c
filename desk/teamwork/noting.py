"""Writing a note with all that follows from it: who is mentioned is told and watches from then on,
and a public one goes to the customer by SMS or e-mail where that is asked for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from desk import customers, messages
from desk.errors import NoSuchTicket, Unacceptable
from desk.messages.put import unreachable
from desk.notices import NewNotice, notify
from desk.teamwork.mentions import checked, is_team
from desk.teamwork.people import Roster
from desk.teamwork.watching import Cause, watch
from desk.tickets import notes
from desk.tickets.change import By
from desk.tickets.notes import Note
from desk.tickets.ticket import Ticket, get

MOST_QUOTED = 80
SendBy = Literal["sms", "email"]


class NoWayToReach(Unacceptable):
    """The customer cannot be written to like this; the note was not written either."""

    error_id = "no-way-to-reach"

    def __init__(self, number: str, why: str) -> None:
        super().__init__(f"the customer of ticket {number} cannot be written to: {why}")
        self.number = number


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note to write.

    Attributes:
        public: for the customer too. In a public note an @ mentions nobody.
        send: by which way it goes to the customer; only a public one does.
        to: one of the customer's numbers, or the address, where it is not to be the first.
    """

    text: str
    public: bool = False
    send: SendBy | None = None
    to: str = ""


def write(
    db: Connection, ticket_id: int, new: NewNote, now: datetime, *, by: By, roster: Roster
) -> Note:
    """Write a note; `note.added`, and what follows from it, in one transaction.

    Raises:
        NoSuchTicket: there is none with this id.
        UnknownMention: an @ names nobody, or several.
        NoWayToReach: it shall be sent, and is not public, is too long, or there is no such number
            or address.
        ValueError: it says nothing.
    """
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    mentions = () if new.public else checked(new.text, roster)
    to = _destination(db, ticket, new) if new.send is not None else ""
    note = notes.add(
        db, ticket_id, new.text, now, by=by, public=new.public, mentions=mentions,
        sent_by=new.send or "",
    )  # fmt: skip
    for one in mentions:
        told = f"{by.actor} 在工单 {ticket.number} 中提到您 · mentioned you: {_quoted(new.text)}"
        about = NewNotice(one, "mention", told, f"mention:{note.id}", ticket_id, by.actor)
        notify(db, about, now)
        if not is_team(one):
            watch(db, ticket_id, one, now, by=by, cause=Cause.MENTION)
    if new.send is not None:
        about_ticket = f"工单 {ticket.number} 的最新进展" if new.send == "email" else ""
        message = messages.NewMessage(
            new.send, to, "note", new.text.strip(), ticket_id, ticket.customer_id,
            f"note:{note.id}", subject=about_ticket,
        )  # fmt: skip
        messages.put(db, message, now)
    return note


def _destination(db: Connection, ticket: Ticket, new: NewNote) -> str:
    """Where the note goes: only to a number or address that is known of this customer."""
    channel = messages.Channel(new.send or "")
    if not new.public:
        raise NoWayToReach(ticket.number, "only a public note is for the customer")
    if len(new.text.strip()) > messages.MOST_TEXT:
        raise NoWayToReach(
            ticket.number, f"the note has more than {messages.MOST_TEXT} characters; shorten it"
        )
    customer = customers.get(db, ticket.customer_id) if ticket.customer_id is not None else None
    if channel is messages.Channel.EMAIL:
        known = [customer.email] if customer is not None else []
    else:
        known = [ticket.caller.e164, *(customer.numbers if customer is not None else ())]
    usable = [each for each in known if not unreachable(channel, each)]
    if new.to and new.to not in usable:
        raise NoWayToReach(ticket.number, "that is none of the customer's own; correct the record")
    if not usable:
        raise NoWayToReach(ticket.number, unreachable(channel, ""))
    return new.to or usable[0]


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_QUOTED else f"{line[: MOST_QUOTED - 1]}…"
