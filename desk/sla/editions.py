"""Editions of the policies in the database: which are in force since when, and the next one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from desk.calendar import announced_through
from desk.db.prepared import Prepared
from desk.db.schema import sla_cursor, sla_editions, tickets
from desk.db.types import moment
from desk.errors import NotFound, VersionConflict
from desk.sla.book import Book, Editions, book_of
from desk.timeline import append

_ALL = Prepared(
    select(sla_editions.c.edition, sla_editions.c.content, sla_editions.c.applied_at).order_by(
        sla_editions.c.edition
    )
)
_LATEST = Prepared(
    select(sla_editions.c.edition, sla_editions.c.content)
    .order_by(sla_editions.c.edition.desc())
    .limit(1)
)
_LOCK = Prepared(select(sla_cursor.c.seq).with_for_update())
_LOCK_IF_FREE = Prepared(select(sla_cursor.c.seq).with_for_update(skip_locked=True))
_LAST_TICKET = select(func.coalesce(func.max(tickets.c.id), 0))
_INSERT = insert(sla_editions)
_UNDONE = (
    select(
        sla_editions.c.edition,
        sla_editions.c.recomputed,
        sla_editions.c.to_recompute,
    )
    .order_by(sla_editions.c.edition.desc())
    .limit(1)
)
_DONE_TO = (
    update(sla_editions)
    .where(sla_editions.c.edition == bindparam("of_edition"))
    .values(recomputed=bindparam("done_to"))
)


class NoSuchEdition(NotFound):
    """No edition of the service levels has this number."""

    error_id = "no-such-edition"

    def __init__(self, edition: int) -> None:
        super().__init__(f"service levels have no edition {edition}; `huisheng sla editions`")
        self.edition = edition


@dataclass(frozen=True, slots=True)
class Edition:
    """A book with when it came into force, and who put it there."""

    number: int
    since: datetime
    actor: str
    book: Book


@dataclass(frozen=True, slots=True)
class Recomputing:
    """Where recomputing after a change stands: tickets with ids in (done, until] are to do."""

    edition: int
    done: int
    until: int


def in_force(db: Connection) -> Editions | None:
    """Every edition with the time it came into force; None before the first."""
    rows = _ALL.execute(db, {}).fetchall()
    if not rows:
        return None
    return Editions(
        tuple((moment(since), book_of(content, edition)) for edition, content, since in rows)
    )


def latest(db: Connection) -> Book | None:
    """The book in force; None before the first."""
    row = _LATEST.execute(db, {}).fetchone()
    return book_of(row[1], row[0]) if row is not None else None


def editions(db: Connection, before: int | None = None, limit: int = 50) -> list[Edition]:
    """Editions with numbers below `before`, the newest first."""
    query = select(sla_editions).order_by(sla_editions.c.edition.desc()).limit(limit)
    if before is not None:
        query = query.where(sla_editions.c.edition < before)
    return [_edition(row) for row in db.execute(query)]


def edition(db: Connection, number: int) -> Edition:
    """One edition.

    Raises:
        NoSuchEdition: there is none with this number.
    """
    row = db.execute(select(sla_editions).where(sla_editions.c.edition == number)).one_or_none()
    if row is None:
        raise NoSuchEdition(number)
    return _edition(row)


def former(db: Connection, number: int) -> Book:
    """The book of an edition, to be put in force again. It knows the holidays that are known now.

    Raises:
        NoSuchEdition: there is none with this number.
    """
    data = edition(db, number).book.data
    known = max(data.known_through, announced_through())
    return Book.of(data.model_copy(update={"known_through": known}))


def lock(db: Connection) -> int:
    """Be the only one that changes editions, recomputes or follows until this unit is over.
    Returns how far the timeline was followed."""
    seq: int = _LOCK.execute(db, {}).fetchone()[0]
    return seq


def lock_if_free(db: Connection) -> int | None:
    """The same without waiting; None: another process is at it."""
    row = _LOCK_IF_FREE.execute(db, {}).fetchone()
    return row[0] if row is not None else None


def apply(
    db: Connection,
    book: Book,
    now: datetime,
    *,
    actor: str = "system",
    expected: int | None = None,
) -> int:
    """Put a book in force from now on; `sla.applied`. Returns the edition that is in force then.
    The same content again changes nothing. Open tickets are reckoned anew by `recompute`.

    Args:
        expected: the edition whose effect was looked at, to refuse a change unseen; 0: none yet.

    Raises:
        VersionConflict: another edition came into force meanwhile.
    """
    lock(db)
    editions = in_force(db)
    latest = editions.latest if editions is not None else None
    number = latest.edition if latest is not None else 0
    if expected is not None and expected != number:
        raise VersionConflict("the edition of service levels", number, expected)
    if latest is not None and latest.text() == book.text():
        return number
    number += 1
    row = {
        "edition": number,
        "content": book.text(),
        "applied_at": now,
        "actor": actor,
        "recomputed": 0,
        "to_recompute": db.execute(_LAST_TICKET).scalar_one(),
    }
    db.execute(_INSERT, row)
    body = {"edition": number, "policies": [policy.name for policy in book.data.policies]}
    changed = "sla" if latest is not None else None  # what a line begins with is no CRM's news
    append(db, kind="sla.applied", body=body, now=now, actor=actor, outbox_key=changed)
    return number


def begin(db: Connection, book: Book, now: datetime) -> bool:
    """Put a book in force where none ever was; whether that was so."""
    if latest(db) is not None:
        return False
    lock(db)
    if latest(db) is not None:
        return False  # another process was first
    apply(db, book, now, actor="system", expected=0)
    return True


def recomputing(db: Connection) -> Recomputing | None:
    """What is still to be recomputed after the last change; None: nothing."""
    row = db.execute(_UNDONE).one_or_none()
    if row is None or row.recomputed >= row.to_recompute:
        return None
    return Recomputing(row.edition, row.recomputed, row.to_recompute)


def recomputed(db: Connection, edition: int, done_to: int) -> None:
    """Note how far recomputing has come."""
    db.execute(_DONE_TO, {"of_edition": edition, "done_to": done_to})


def _edition(row: Any) -> Edition:
    book = book_of(row.content, row.edition)
    return Edition(row.edition, moment(row.applied_at), row.actor, book)
