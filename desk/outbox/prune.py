"""Forgetting what has arrived long ago. Dead letters and what waits are kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from desk.db.schema import deliveries

_OLD = (
    select(deliveries.c.id)
    .where(deliveries.c.state == "delivered", deliveries.c.updated_at < bindparam("before"))
    .order_by(deliveries.c.id)
    .limit(bindparam("most"))
)
_DELETE = delete(deliveries).where(
    deliveries.c.state == "delivered", deliveries.c.id.in_(bindparam("ids", expanding=True))
)


def old(db: Connection, before: datetime, limit: int) -> list[int]:
    """Up to `limit` deliveries that arrived before `before`. It may read the whole table: ask
    beside the writer, not in it."""
    return list(db.execute(_OLD, {"before": before, "most": limit}).scalars())


def prune(db: Connection, ids: Sequence[int]) -> int:
    """Delete these deliveries as far as they have arrived; returns how many. The timeline keeps
    what was sent."""
    return db.execute(_DELETE, {"ids": list(ids)}).rowcount
