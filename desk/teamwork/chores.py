"""What working together does by itself."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from desk.chores import Chore, Entry, follower
from desk.db.schema.teamwork import bulk_results
from desk.teamwork.watching import follow_survivor
from desk.tickets import SYSTEM, survivors

KEPT = timedelta(days=7)
"""For so long a bulk action can be asked for again without doing anything twice."""


def teamwork_chores() -> list[Chore]:
    """Watchers go along with a merged ticket; what bulk actions did is forgotten after a week."""
    return [
        follower("watchers.merge", ("ticket.merged",), _merged),
        Chore("bulk.forget", _forget, _oldest),
    ]


def _merged(db: Connection, entry: Entry, now: datetime) -> None:
    if entry.ticket_id is None:
        return
    survivor_id = survivors.survivor_of(db, entry.ticket_id)
    if survivor_id != entry.ticket_id:
        follow_survivor(db, entry.ticket_id, survivor_id, now, by=SYSTEM)


def _forget(db: Connection, now: datetime, limit: int) -> int:
    key = (bulk_results.c.actor, bulk_results.c.key, bulk_results.c.ticket_id)
    old = (
        select(*key).where(bulk_results.c.at < now - KEPT).order_by(bulk_results.c.at).limit(limit)
    )
    found = db.execute(old).all()
    for row in found:
        same = (column == value for column, value in zip(key, row, strict=True))
        db.execute(delete(bulk_results).where(*same))
    return len(found)


def _oldest(db: Connection) -> datetime | None:
    at: datetime | None = db.execute(
        select(bulk_results.c.at).order_by(bulk_results.c.at).limit(1)
    ).scalar()
    return at + KEPT if at is not None else None
