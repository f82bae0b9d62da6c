"""How the targets stand: what waits, what was given up, and sending that again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select, union_all, update

from desk.db.schema import deliveries, outbox, outbox_cursors
from desk.outbox.deliveries import DEAD, FULL, PENDING, Delivery, delivery_of

_COUNTS = union_all(
    *(
        select(deliveries.c.target, state.label("state"), func.count().label("count"))
        .where(deliveries.c.state == state)
        .group_by(deliveries.c.target)
        for state in (PENDING, DEAD)
    )
)
_TARGETS = select(
    outbox_cursors.c.target,
    outbox_cursors.c.seq,
    select(func.count())
    .select_from(outbox)
    .where(outbox.c.seq > outbox_cursors.c.seq)
    .scalar_subquery()
    .label("unseen"),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How a target stands: entries to send (also those not fanned out yet), and dead letters."""

    pending: int
    dead: int


def replay(
    db: Connection,
    target: str | None = None,
    *,
    now: datetime,
    ids: Sequence[int] | None = None,
) -> int:
    """Make dead letters pending again: all, one target's, or those with these delivery ids."""
    which = and_(
        deliveries.c.state == DEAD,
        *([deliveries.c.target == target] if target is not None else []),
        *([deliveries.c.id.in_(ids)] if ids is not None else []),
    )
    fresh = {"state": "pending", "attempts": 0, "next_at": now, "updated_at": now}
    return db.execute(update(deliveries).where(which).values(fresh)).rowcount


def dead(db: Connection, target: str | None = None, *, limit: int = 100) -> list[Delivery]:
    """Dead letters, oldest first."""
    query = FULL.where(deliveries.c.state == DEAD).order_by(deliveries.c.seq).limit(limit)
    if target is not None:
        query = query.where(deliveries.c.target == target)
    return [delivery_of(row) for row in db.execute(query)]


def counts(db: Connection) -> dict[str, Counts]:
    """Every target that was ever fanned out to, and how it stands."""
    waiting = {target: {"pending": unseen} for target, _, unseen in db.execute(_TARGETS)}
    for target, state, count in db.execute(_COUNTS):
        of_target = waiting.setdefault(target, {})
        of_target[state] = of_target.get(state, 0) + count
    return {
        target: Counts(found.get("pending", 0), found.get("dead", 0))
        for target, found in sorted(waiting.items())
    }
