"""Timers of rules: set when a case comes into a status or something happens, ended when the case
leaves the status. They live in the database, so a restart forgets none, and fire once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from desk.automation.book import Book, Ready
from desk.db.insert import insert_unless_there
from desk.db.schema import tickets, timeline
from desk.db.schema.automation import automation_timers as table
from desk.db.types import moment
from desk.text import parsed
from desk.tickets.change import KINDS

STEPS = ("ticket.opened", *KINDS.values(), "ticket.absorbed", "ticket.released")
_NAMES = ("rule", "ticket_id", "since_seq", "digest", "nth", "in_status", "due_at")
_INSERT = insert_unless_there(table, _NAMES)


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer.

    Attributes:
        since_seq: the entry that set it.
        nth: 1, then one more each time it repeats.
        in_status: it ends when the case leaves this; `""`: it does not.
    """

    rule: str
    ticket_id: int
    since_seq: int
    digest: str
    nth: int
    in_status: str
    due_at: datetime

    @property
    def cause(self) -> str:
        """Names this moment of it, and no other one's."""
        return f"timer:{self.ticket_id}:{self.since_seq}:{self.nth}"


def set_by_entry(
    db: Connection, rules: Sequence[Ready], ticket_id: int, seq: int, at: datetime
) -> None:
    """Set the timers of rules that an entry sets off."""
    for each in rules:
        if each.rule.timed:
            _set(db, each, ticket_id, seq, at)


def moved(
    db: Connection, book: Book, ticket_id: int, seq: int, at: datetime, before: str, status: str
) -> None:
    """A case came from one status into another: what waited in that one ends, what waits in this
    one begins. Where the status stays, nothing does."""
    if before == status:
        return
    gone = delete(table).where(
        table.c.ticket_id == ticket_id, table.c.in_status != "", table.c.in_status != status
    )
    db.execute(gone)
    for each in book.waiting_in(status):
        _set(db, each, ticket_id, seq, at)


def due(db: Connection, now: datetime, limit: int) -> list[Timer]:
    """Timers whose moment has come and that nobody else is looking at, held, longest due first."""
    query = (
        select(table)
        .where(table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.ticket_id, table.c.rule)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_timer(row) for row in db.execute(query).all()]


def next_due(db: Connection) -> datetime | None:
    """When the next one is due."""
    at: datetime | None = db.execute(select(func.min(table.c.due_at))).scalar()
    return at


def over(db: Connection, timer: Timer, ready: Ready | None, now: datetime) -> None:
    """Its moment is past: it ends, or is set for the next time. Moments that were missed while
    nothing ran are one."""
    which = and_(
        table.c.rule == timer.rule,
        table.c.ticket_id == timer.ticket_id,
        table.c.since_seq == timer.since_seq,
    )
    every = ready.rule.every if ready is not None and ready.digest == timer.digest else None
    if ready is None or every is None or timer.nth >= ready.rule.most:
        db.execute(delete(table).where(which))
        return
    then = timer.due_at + every
    if then <= now:
        then = now + every
    db.execute(update(table).where(which).values(nth=timer.nth + 1, due_at=then))


def of_ticket(db: Connection, ticket_id: int) -> list[Timer]:
    """What will happen to a ticket if nothing happens before, soonest first."""
    query = select(table).where(table.c.ticket_id == ticket_id).order_by(table.c.due_at)
    return [_timer(row) for row in db.execute(query)]


def forget_others(db: Connection, book: Book) -> None:
    """Forget the timers of rules that are not, or not any more, as they were."""
    kept = [
        and_(table.c.rule == each.name, table.c.digest == each.digest)
        for each in book.rules
        if each.rule.timed
    ]
    db.execute(delete(table).where(~or_(*kept)) if kept else delete(table))


def set_for_waiting(
    db: Connection, book: Book, after: int, until: int, active_at: datetime, limit: int
) -> int:
    """Set the timers of cases that waited already when a rule set came into force, of `limit`
    cases with ids in (after, until]; the last id that was looked at. What would have been due
    before that does not happen: it was nobody's rule then.
    """
    query = (
        select(tickets.c.id, tickets.c.status)
        .where(
            tickets.c.id > after,
            tickets.c.id <= until,
            tickets.c.status.in_(sorted(book.statuses)),
        )
        .order_by(tickets.c.id)
        .limit(limit)
        .with_for_update()
    )
    rows = db.execute(query).all()
    for row in rows:
        since = status_since(db, row.id, row.status)
        if since is None:
            continue
        seq, at = since
        for each in book.waiting_in(row.status):
            if at + each.rule.first > active_at:
                _set(db, each, row.id, seq, at)
    return rows[-1].id if len(rows) == limit else until


def status_since(
    db: Connection, ticket_id: int, status: str, before_seq: int | None = None
) -> tuple[int, datetime] | None:
    """The entry with which a ticket came into the status that it has (or had before an entry)."""
    query = (
        select(timeline.c.seq, timeline.c.at, timeline.c.body)
        .where(timeline.c.ticket_id == ticket_id, timeline.c.kind.in_(STEPS))
        .order_by(timeline.c.seq.desc())
        .limit(200)
    )
    if before_seq is not None:
        query = query.where(timeline.c.seq < before_seq)
    found = None
    for row in db.execute(query):
        body = parsed(row.body) if row.body is not None else {}
        if body.get("status", status) != status:
            break
        if "status" in body:
            found = row.seq, moment(row.at)
            if body.get("from") != status:
                break
    return found


def _set(db: Connection, each: Ready, ticket_id: int, seq: int, at: datetime) -> None:
    row = {
        "rule": each.name,
        "ticket_id": ticket_id,
        "since_seq": seq,
        "digest": each.digest,
        "nth": 1,
        "in_status": each.rule.in_status.value if each.rule.in_status is not None else "",
        "due_at": at + each.rule.first,
    }
    _INSERT.execute(db, row)


def _timer(row: Any) -> Timer:
    return Timer(
        row.rule, row.ticket_id, row.since_seq, row.digest, row.nth, row.in_status,
        moment(row.due_at),
    )  # fmt: skip
