"""How the targets stand: what waits, what was given up, and sending that again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, select, union_all, update

from desk.db.schema import deliveries, outbox, outbox_cursors, timeline
from desk.db.types import UtcTime
from desk.outbox.deliveries import DEAD, FULL, Delivery, delivery_of
from desk.outbox.fan_out import PENDING, wanted

_COUNTS = union_all(
    *(
        select(deliveries.c.target, state.label("state"), func.count().label("count"))
        .where(deliveries.c.state == state)
        .group_by(deliveries.c.target)
        for state in (PENDING, DEAD)
    )
)
_CURSORS = select(outbox_cursors.c.target, outbox_cursors.c.seq)
_UNSEEN = select(func.count()).select_from(outbox).where(outbox.c.seq > bindparam("after"))
_sending = deliveries.alias("sending")
_when_sent = (
    select(func.max(_sending.c.claimed_until))
    .where(
        _sending.c.target == deliveries.c.target,
        _sending.c.key == deliveries.c.key,
        _sending.c.state == PENDING,
        _sending.c.claimed_until > bindparam("now", type_=UtcTime()),
    )
    .scalar_subquery()
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
    """Make dead letters pending again: all, one target's, or those with these delivery ids. One
    whose ticket is being sent something right now waits until that lease ends."""
    which = and_(
        deliveries.c.state == DEAD,
        *([deliveries.c.target == target] if target is not None else []),
        *([deliveries.c.id.in_(ids)] if ids is not None else []),
    )
    moment = bindparam("now", type_=UtcTime())
    fresh = {
        "state": "pending",
        "attempts": 0,
        "next_at": func.coalesce(_when_sent, moment),
        "updated_at": moment,
    }
    return db.execute(update(deliveries).where(which).values(fresh), {"now": now}).rowcount


def dead(db: Connection, target: str | None = None, *, limit: int = 100) -> list[Delivery]:
    """Dead letters, oldest first."""
    query = FULL.where(deliveries.c.state == DEAD).order_by(deliveries.c.seq).limit(limit)
    if target is not None:
        query = query.where(deliveries.c.target == target)
    return [delivery_of(row) for row in db.execute(query)]


def counts(db: Connection, kinds: Mapping[str, Sequence[str]] | None = None) -> dict[str, Counts]:
    """Every target that was ever fanned out to, and how it stands.

    Args:
        kinds: by target, what it wants (see `fan_out`): of what is not fanned out yet, only that
            counts.
    """
    waiting: dict[str, dict[str, int]] = {}
    for target, cursor in db.execute(_CURSORS).all():
        unseen = _UNSEEN
        if kinds is not None and target in kinds:
            unseen = unseen.join(timeline, timeline.c.seq == outbox.c.seq)
            unseen = unseen.where(wanted(timeline.c.kind, kinds[target]))
        waiting[target] = {"pending": db.execute(unseen, {"after": cursor}).scalar_one()}
    for target, state, count in db.execute(_COUNTS):
        of_target = waiting.setdefault(target, {})
        of_target[state] = of_target.get(state, 0) + count
    return {
        target: Counts(found.get("pending", 0), found.get("dead", 0))
        for target, found in sorted(waiting.items())
    }
