"""What is known of single numbers: not to be called, or not one person's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, delete, select

from desk.db.insert import insert_unless_there
from desk.db.schema.outbound import outbound_marks as marks
from desk.text import storable
from desk.timeline import append

MarkName = Literal["do_not_call", "shared", "recycled", "virtual"]
DO_NOT_CALL: MarkName = "do_not_call"
RECYCLED: MarkName = "recycled"
MOST = 200

_INSERT = insert_unless_there(marks, ("e164", "mark", "reason", "actor", "at"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A number and what is known of it.

    `do_not_call`: who has it does not want calls. At the others a ticket's number must be keyed
    in: `shared` by several people, `recycled` (somebody else has it now), `virtual` (of a reseller,
    a relay or an internet service).
    """

    e164: str
    mark: MarkName
    reason: str
    actor: str
    at: datetime


def put(
    db: Connection, e164: str, mark: MarkName, reason: str, now: datetime, *, actor: str
) -> Mark:
    """Mark a number, once: the first reason stays; `number.marked`."""
    row = {
        "e164": storable(e164, 40),
        "mark": mark,
        "reason": storable(reason.strip(), 1000),
        "actor": storable(actor, 200),
        "at": now,
    }
    if _INSERT.execute(db, row).rowcount == 1:
        _tell(db, "number.marked", e164, mark, now, actor, reason=row["reason"])
    there = select(marks).where(marks.c.e164 == row["e164"], marks.c.mark == mark)
    return _mark(db.execute(there).one())


def remove(db: Connection, e164: str, mark: MarkName, now: datetime, *, actor: str) -> bool:
    """Take a mark back; `number.unmarked`. False: there was none."""
    gone = db.execute(delete(marks).where(marks.c.e164 == e164, marks.c.mark == mark)).rowcount
    if gone:
        _tell(db, "number.unmarked", e164, mark, now, actor)
    return bool(gone)


def of_number(db: Connection, e164: str) -> frozenset[MarkName]:
    """The marks of a number."""
    return frozenset(db.execute(select(marks.c.mark).where(marks.c.e164 == e164)).scalars())


def search(
    db: Connection, *, mark: str | None = None, after: str = "", limit: int = 50
) -> list[Mark]:
    """Marked numbers in their order, at most 200. `after`: the last one of the previous page, as
    `e164 mark`.
    """
    query = select(marks).order_by(marks.c.e164, marks.c.mark).limit(min(limit, MOST))
    if mark is not None:
        query = query.where(marks.c.mark == mark)
    if after:
        number, _, last = after.partition(" ")
        query = query.where(
            (marks.c.e164 > number) | ((marks.c.e164 == number) & (marks.c.mark > last))
        )
    return [_mark(row) for row in db.execute(query)]


def newest(
    db: Connection, *, mark: str | None = None, before: tuple[datetime, int] | None, limit: int
) -> list[Mark]:
    """Marked numbers, the newest first, at most 200. `before`: the moment of the last one of the
    previous pages, and how many of that moment they had. So a place in the list names no number.
    """
    query = select(marks).order_by(marks.c.at.desc(), marks.c.e164, marks.c.mark)
    if mark is not None:
        query = query.where(marks.c.mark == mark)
    if before is not None:
        at, had = before
        query = query.where(marks.c.at <= at).offset(had)
    return [_mark(row) for row in db.execute(query.limit(min(limit, MOST)))]


def _tell(
    db: Connection, kind: str, e164: str, mark: str, now: datetime, actor: str, **more: Any
) -> None:
    append(
        db,
        kind=kind,
        body={"e164": e164, "mark": mark, **more},
        now=now,
        actor=actor,
        outbox_key=f"number-{e164}",
    )


def _mark(row: Any) -> Mark:
    return Mark(row.e164, row.mark, row.reason, row.actor, row.at)
