"""Notes on a ticket, for the house or for the customer too. They live in the timeline alone, where
they are ordered, chained and can be erased; the ticket's version stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from desk.db.schema import timeline
from desk.db.types import moment
from desk.errors import NoSuchTicket
from desk.numbering import ticket_number
from desk.text import parsed, storable
from desk.tickets.change import By
from desk.tickets.ticket import get
from desk.timeline import append

MOST_TEXT = 10_000
MOST = 200
KIND = "note.added"


@dataclass(frozen=True, slots=True)
class Note:
    """A note. `id` is the `seq` of its timeline entry; `text` is None once erased."""

    id: int
    at: datetime
    actor: str
    public: bool
    text: str | None


def add(
    db: Connection, ticket_id: int, text: str, now: datetime, *, by: By, public: bool = False
) -> Note:
    """Write a note, internal unless `public`; `note.added`. Any ticket takes one, ended or not.

    Raises:
        NoSuchTicket: there is none.
        ValueError: it says nothing.
    """
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    text = storable(text.strip(), MOST_TEXT)
    if not text:
        raise ValueError("an empty note says nothing; write something")
    body = {"number": ticket_number(ticket_id), "text": text, "public": public}
    entry = append(
        db,
        kind=KIND,
        body=body,
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )
    return Note(entry.seq, now, by.actor, public, text)


def of_ticket(
    db: Connection, ticket_id: int, *, public: bool | None = None, after: int = 0, limit: int = MOST
) -> list[Note]:
    """Notes of a ticket, oldest first, at most 200: all, only public ones, or only internal ones.
    An erased note counts as internal.
    """
    query = (
        select(timeline.c.seq, timeline.c.at, timeline.c.actor, timeline.c.body)
        .where(timeline.c.ticket_id == ticket_id, timeline.c.seq > after, timeline.c.kind == KIND)
        .order_by(timeline.c.seq)
    )
    found = []
    for row in db.execute(query):
        note = _note(row)
        if public is None or note.public is public:
            found.append(note)
            if len(found) == min(limit, MOST):
                break
    return found


def _note(row: Any) -> Note:
    erased: dict[str, Any] = {"public": False, "text": None}
    body = parsed(row.body) if row.body is not None else erased
    return Note(row.seq, moment(row.at), row.actor, body["public"], body["text"])
