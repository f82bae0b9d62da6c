"""The words that a ticket was told in: its own texts, notes, and what customers said and wrote."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from desk.db.prepared import Prepared
from desk.db.schema import calls, timeline, utterances
from desk.text import parsed
from desk.tickets.ticket import Ticket

MOST_TEXT = 20_000
MOST_NOTES = 50
MOST_UTTERANCES = 500
MOST_ENTRIES = 1000
MOST_EACH = 8000

TELLING: Mapping[str, str] = {
    "ticket.described": "description",
    "ticket.edited": "description",
    "ticket.joined": "description",
    "note.added": "text",
    "digest.added": "summary",
    "transcript.added": "text",
    "transcript.replaced": "text",
    "utterance.added": "text",
    "message.received": "text",
}
"""Kinds of entries that bring words, and where in their bodies."""

_CALLER = "caller"
_NOTES = Prepared(
    select(timeline.c.body)
    .where(timeline.c.ticket_id == bindparam("of_ticket"), timeline.c.kind == "note.added")
    .order_by(timeline.c.seq.desc())
    .limit(bindparam("most"))
)
_SAID = Prepared(
    select(utterances.c.text)
    .join(calls, calls.c.id == utterances.c.call_id)
    .where(calls.c.ticket_id == bindparam("of_ticket"), utterances.c.party == _CALLER)
    .order_by(calls.c.received_at.desc(), utterances.c.at.desc())
    .limit(bindparam("most"))
)
_SINCE = (
    select(timeline.c.kind, timeline.c.body)
    .where(
        or_(
            timeline.c.ticket_id == bindparam("of_ticket"),
            timeline.c.call_id.in_(
                select(calls.c.id).where(calls.c.ticket_id == bindparam("of_ticket"))
            ),
        ),
        timeline.c.seq > bindparam("after"),
        timeline.c.kind.in_(sorted(TELLING)),
    )
    .order_by(timeline.c.seq)
    .limit(MOST_ENTRIES)
)


def told_by(kind: str, body: Mapping[str, Any]) -> str:
    """The words that an entry of the timeline brings; `""` if none, or if an agent said them."""
    name = TELLING.get(kind)
    if name is None or body.get("party", _CALLER) != _CALLER:
        return ""
    text = body.get(name)
    return text[:MOST_EACH] if isinstance(text, str) else ""


def text_of(db: Connection, ticket: Ticket) -> str:
    """All words of a ticket, bounded: of notes and utterances the latest."""
    own = (ticket.subject, ticket.description[:MOST_EACH], ticket.summary)
    notes = _NOTES.execute(db, {"of_ticket": ticket.id, "most": MOST_NOTES}).fetchall()
    said = _SAID.execute(db, {"of_ticket": ticket.id, "most": MOST_UTTERANCES}).fetchall()
    told = [told_by("note.added", parsed(body)) for (body,) in notes if body is not None]
    return _joined([*own, *told[::-1], *(text for (text,) in said[::-1])])


def text_since(db: Connection, ticket_id: int, seq: int) -> str:
    """The words that came after an entry of the timeline, bounded."""
    rows = db.execute(_SINCE, {"of_ticket": ticket_id, "after": seq}).all()
    return _joined([told_by(kind, parsed(body)) for kind, body in rows if body is not None])


def _joined(parts: list[str]) -> str:
    return "\n".join(_within(parts))


def _within(parts: list[str]) -> Iterator[str]:
    left = MOST_TEXT
    for part in parts:
        if part and left > 0:
            yield part[:left]
            left -= len(part) + 1
