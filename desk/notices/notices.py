"""Telling somebody of something, exactly once, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.insert import insert_unless_there
from desk.db.schema.teamwork import notice_reads, notices
from desk.db.types import UtcTime, moment
from desk.errors import NotFound
from desk.notices.addresses import ROLE, Inbox, address
from desk.notices.listeners import heard_at, is_held, listeners
from desk.numbering import ticket_number
from desk.text import storable
from desk.timeline import append

MOST = 200
MOST_TEXT = 1000
MOST_COUNTED = 1000
KIND = "notice.sent"
UNHEARD = "(本应通知 {meant},无他人担任 · for {meant}, where nobody else is)"
ESCALATING = frozenset({"sla", "escalated", "level"})
"""What must not go unheard."""

log = structlog.get_logger()

_INSERT = insert_unless_there(
    notices, ("recipient", "kind", "text", "ticket_id", "actor", "key", "at")
)
_READ = insert_unless_there(notice_reads, ("notice_id", "reader", "at"))


class NoSuchNotice(NotFound):
    """No notice with this id in this inbox."""

    error_id = "no-such-notice"

    def __init__(self, notice_id: int) -> None:
        super().__init__(f"no notice with id {notice_id} in this inbox; list it again")
        self.notice_id = notice_id


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something to tell.

    Attributes:
        to: an address, see `desk.notices.addresses`.
        kind: what it is about: assigned, handover, escalated, mention, watched, rule, …
        text: one line, as people read it.
        key: of what it tells, 1 to 200 characters: each recipient is told of it once.
        actor: whose act it tells of.
    """

    to: str
    kind: str
    text: str
    key: str
    ticket_id: int | None = None
    actor: str = "system"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice in somebody's inbox. `read_at`: when this reader read it; None: not yet."""

    id: int
    to: str
    kind: str
    text: str
    ticket_id: int | None
    actor: str
    at: datetime
    read_at: datetime | None

    @property
    def number(self) -> str | None:
        """The ticket's number."""
        return ticket_number(self.ticket_id) if self.ticket_id is not None else None


def notify(db: Connection, new: NewNotice, now: datetime) -> int | None:
    """Put a notice into an inbox; `notice.sent`. Returns its id, None if it was there already.
    One to a role that nobody holds goes to the next upward, and says so; see `listeners`.

    Raises:
        BadAddress: `to` is none.
        ValueError: the key is empty or too long.
    """
    meant = address(new.to)
    everybody = listeners(db)
    recipient = heard_at(meant, new.actor, everybody)
    text = new.text.strip()
    if recipient != meant:
        text = f"{text} {UNHEARD.format(meant=meant)}"
    if not 0 < len(new.key) <= 200 or not new.key.isprintable():
        raise ValueError(f"a notice's key has 1 to 200 characters: {new.key[:80]!r}")
    row = {
        "recipient": recipient,
        "kind": storable(new.kind, 40),
        "text": storable(text, MOST_TEXT),
        "ticket_id": new.ticket_id,
        "actor": storable(new.actor, 200),
        "key": new.key,
        "at": now,
    }
    if _INSERT.execute(db, row).rowcount != 1:
        return None
    if new.kind in ESCALATING and not is_held(recipient, everybody):
        log.warning("nobody is there to hear of it", to=meant, about=new.kind, ticket=new.ticket_id)
    known = (notices.c.key == new.key, notices.c.recipient == recipient)
    notice_id: int = db.execute(select(notices.c.id).where(*known)).scalar_one()
    append(
        db,
        kind=KIND,
        body={
            "notice_id": notice_id,
            "to": recipient,
            "about": row["kind"],
            "text": row["text"],
            "number": ticket_number(new.ticket_id) if new.ticket_id is not None else None,
        },
        now=now,
        ticket_id=new.ticket_id,
        actor=new.actor,
    )
    return notice_id


def of_inbox(
    db: Connection,
    inbox: Inbox,
    *,
    unread: bool = False,
    ticket_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Notice]:
    """Notices in an inbox, newest first, at most 200."""
    query = (
        select(notices, notice_reads.c.at.label("read_at"))
        .outerjoin(notice_reads, _read_by(inbox))
        .where(_in(inbox))
        .order_by(notices.c.id.desc())
        .limit(min(limit, MOST))
    )
    if unread:
        query = query.where(notice_reads.c.notice_id.is_(None))
    if ticket_id is not None:
        query = query.where(notices.c.ticket_id == ticket_id)
    if before is not None:
        query = query.where(notices.c.id < before)
    return [_notice(row) for row in db.execute(query)]


def unread(db: Connection, inbox: Inbox) -> int:
    """How many this reader has not read; counted up to 1000."""
    some = select(notices.c.id).where(_in(inbox), ~_has_read(inbox)).limit(MOST_COUNTED).subquery()
    found: int = db.execute(select(func.count()).select_from(some)).scalar_one()
    return found


def read(db: Connection, inbox: Inbox, notice_id: int, now: datetime) -> None:
    """This reader has read it. Twice is once.

    Raises:
        NoSuchNotice: there is none with this id in the inbox.
    """
    there = select(notices.c.id).where(notices.c.id == notice_id, _in(inbox))
    if db.execute(there).first() is None:
        raise NoSuchNotice(notice_id)
    _READ.execute(db, {"notice_id": notice_id, "reader": inbox.reader, "at": now})


def read_all(db: Connection, inbox: Inbox, up_to: int, now: datetime) -> int:
    """This reader has read every notice up to that id; returns how many were new."""
    fresh = select(notices.c.id, literal(inbox.reader), literal(now, UtcTime()).label("at")).where(
        _in(inbox), notices.c.id <= up_to, ~_has_read(inbox)
    )
    # Somebody who presses twice reads twice at the same moment.
    adding = (sqlite if db.dialect.name == "sqlite" else postgresql).insert(notice_reads)
    new = adding.from_select(["notice_id", "reader", "at"], fresh).on_conflict_do_nothing()
    return db.execute(new).rowcount


def forget(db: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` notices from before that moment, read or not; how many."""
    old = select(notices.c.id).where(notices.c.at < before).order_by(notices.c.at).limit(limit)
    return db.execute(delete(notices).where(notices.c.id.in_(old))).rowcount


def _in(inbox: Inbox) -> ColumnElement[bool]:
    to_him: ColumnElement[bool] = notices.c.recipient.in_(inbox.addresses)
    if inbox.everywhere:
        of_any_team = f"{ROLE}{inbox.everywhere}@"
        to_him = or_(to_him, notices.c.recipient.startswith(of_any_team, autoescape=True))
    return and_(to_him, notices.c.actor.not_in(inbox.own))


def _read_by(inbox: Inbox) -> Any:
    return (notice_reads.c.notice_id == notices.c.id) & (notice_reads.c.reader == inbox.reader)


def _has_read(inbox: Inbox) -> ColumnElement[bool]:
    return exists().where(_read_by(inbox))


def _notice(row: Any) -> Notice:
    return Notice(
        row.id, row.recipient, row.kind, row.text, row.ticket_id, row.actor, moment(row.at),
        moment(row.read_at) if row.read_at is not None else None,
    )  # fmt: skip
