"""The index of tickets' words, in whatever the database has for that: FTS5 on SQLite, GIN on
PostgreSQL. Both hold pairs of characters (`desk.tickets.words`).

A follower of the timeline keeps it, so opening a ticket in a call does not wait for it. What the
follower has not seen yet is looked for without the index: a search never misses anything.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from desk.chores import Chore, Entry, follower
from desk.db.schema import timeline, timeline_head
from desk.db.schema.history import followers
from desk.tickets.ticket import Ticket, get
from desk.tickets.words import pairs

NAME = "tickets.words"
MOST_BEHIND = 2000
"""Entries; beyond, reading all tickets is cheaper than reading all these."""

_FORGET = {
    "sqlite": text("DELETE FROM ticket_index WHERE rowid = :ticket_id"),
    "postgresql": text("DELETE FROM ticket_index WHERE ticket_id = :ticket_id"),
}
_KEEP = {
    "sqlite": text("INSERT INTO ticket_index (rowid, pairs) VALUES (:ticket_id, :pairs)"),
    "postgresql": text(
        "INSERT INTO ticket_index (ticket_id, pairs) VALUES (:ticket_id, :pairs)"
    ).bindparams(bindparam("pairs", type_=ARRAY(Integer))),
}


def own_texts(ticket: Ticket) -> tuple[str, ...]:
    """What of a ticket is searched for words."""
    return ticket.subject, ticket.description, ticket.summary, ticket.solution


def word_chores() -> list[Chore]:
    """Keep the index. A new one is built from the beginning of the timeline."""
    return [follower(NAME, ("ticket.",), _indexed, from_start=True)]


def index(db: Connection, ticket: Ticket) -> None:
    """Let a ticket be found by the words that it has now."""
    dialect = db.dialect.name
    found = sorted(set[int]().union(*map(pairs, own_texts(ticket))))
    kept: Any = " ".join(map(_term, found)) if dialect == "sqlite" else found
    db.execute(_FORGET[dialect], {"ticket_id": ticket.id})
    if found:
        db.execute(_KEEP[dialect], {"ticket_id": ticket.id, "pairs": kept})


def with_pairs(db: Connection, wanted: Iterable[int]) -> Select[Any]:
    """The ids of tickets that have all these pairs, as far as they are indexed."""
    terms = sorted(set(wanted))
    if db.dialect.name == "sqlite":
        found = text("SELECT rowid AS id FROM ticket_index WHERE ticket_index MATCH :terms")
        bound: Any = found.bindparams(bindparam("terms", " ".join(map(_term, terms)), unique=True))
    else:
        found = text("SELECT ticket_id AS id FROM ticket_index WHERE pairs @> :terms")
        bound = found.bindparams(bindparam("terms", terms, type_=ARRAY(Integer), unique=True))
    ids = bound.columns(timeline.c.ticket_id.label("id")).subquery()
    return select(ids.c.id)


def unseen(db: Connection) -> Select[Any] | None:
    """The ids of tickets that changed since they were indexed; None: the index is not to be used,
    because it is new or far behind.
    """
    seq: int | None = db.execute(select(followers.c.seq).where(followers.c.name == NAME)).scalar()
    head: int = db.execute(select(timeline_head.c.seq)).scalar_one()
    if seq is None or head - seq > MOST_BEHIND:
        return None
    return select(timeline.c.ticket_id).where(
        timeline.c.seq > seq, timeline.c.kind.startswith("ticket.", autoescape=True)
    )


def _indexed(db: Connection, entry: Entry, _now: datetime) -> None:
    ticket = get(db, entry.ticket_id) if entry.ticket_id is not None else None
    if ticket is not None:
        index(db, ticket)


def _term(pair: int) -> str:
    return f"p{pair:x}"
