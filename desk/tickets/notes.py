"""Notes on a ticket, for the house or for the customer too. They live in the timeline alone, where
they are ordered, chained and can be erased; the ticket's version stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

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
COPIED = "note.copied"
_NOTES = select(timeline.c.seq, timeline.c.at, timeline.c.actor, timeline.c.body).where(
    timeline.c.kind.in_((KIND, COPIED))
)


@dataclass(frozen=True, slots=True)
class Note:
    """A note. `id` is the `seq` of its timeline entry; `text` is None once erased.

    Attributes:
        mentions: addresses of those to whom it speaks, see `desk.notices`.
        sent_by: how it went to the customer: sms, email, or `""`.
        author: who wrote it first, where it came along from another ticket, else `""`.
    """

    id: int
    at: datetime
    actor: str
    public: bool
    text: str | None
    mentions: tuple[str, ...] = ()
    sent_by: str = ""
    author: str = ""


def add(
    db: Connection,
    ticket_id: int,
    text: str,
    now: datetime,
    *,
    by: By,
    public: bool = False,
    mentions: Sequence[str] = (),
    sent_by: str = "",
) -> Note:
    """Write a note, internal unless `public`; `note.added`. Any ticket takes one, ended or not.
    The note says whom it mentions and how it was sent; telling and sending is
    `desk.teamwork.noting`'s.

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
    body = {
        "number": ticket_number(ticket_id),
        "text": text,
        "public": public,
        "mentions": list(mentions),
        "sent_by": sent_by,
        "program": by.program,
    }
    entry = append(
        db,
        kind=KIND,
        body=body,
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )
    return Note(entry.seq, now, by.actor, public, text, tuple(mentions), sent_by)


def missing(db: Connection, ticket_id: int, note_ids: Sequence[int]) -> list[int]:
    """Those of the ids that are no notes of the ticket."""
    found = {row.seq for row in db.execute(_of_ids(ticket_id, note_ids))} if note_ids else set()
    return sorted(set(note_ids) - found)


def copy(
    db: Connection, note_ids: Sequence[int], from_id: int, ticket_id: int, now: datetime, *, by: By
) -> list[int]:
    """Let another ticket have notes of a ticket too; `note.copied` at the other. They are internal
    there: what the customer was told is told. Erased ones are left. Returns the copied ones.
    """
    copied = []
    found = db.execute(_of_ids(from_id, note_ids)).all() if note_ids else ()
    for note in map(_note, found):
        if note.text is None:
            continue
        body = {
            "number": ticket_number(ticket_id),
            "text": note.text,
            "author": note.author or note.actor,
            "written_at": note.at,
            "from": ticket_number(from_id),
            "note_id": note.id,
        }
        append(db, kind=COPIED, body=body, now=now, ticket_id=ticket_id, actor=by.actor)
        copied.append(note.id)
    return copied


def _of_ids(ticket_id: int, note_ids: Sequence[int]) -> Select[Any]:
    own = (timeline.c.ticket_id == ticket_id, timeline.c.seq.in_(set(note_ids)))
    return _NOTES.where(*own).order_by(timeline.c.seq)


def of_ticket(
    db: Connection, ticket_id: int, *, public: bool | None = None, after: int = 0, limit: int = MOST
) -> list[Note]:
    """Notes of a ticket, oldest first, at most 200: all, only public ones, or only internal ones.
    An erased note counts as internal.
    """
    query = _NOTES.where(timeline.c.ticket_id == ticket_id, timeline.c.seq > after).order_by(
        timeline.c.seq
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
    body: dict[str, Any] = parsed(row.body) if row.body is not None else {}
    return Note(
        row.seq,
        moment(row.at),
        row.actor,
        body.get("public", False),
        body.get("text"),
        tuple(body.get("mentions", ())),
        body.get("sent_by", ""),
        body.get("author", ""),
    )
