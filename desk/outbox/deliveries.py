"""Deliveries: one row per entry and target, from `pending` to `delivered` or `dead`.

Only the head of each ordering key is ever due, so a target sees a ticket's entries in order and
one at a time; before a ticket's entry go those that its call made before it had a ticket. What
waits behind a failed head shares its `next_at`: a target that is down costs one look at an index,
however much waits for it. A dead letter lets the entries behind it pass; replayed, it goes before
those that still wait.

Several processes may send to one target: each claims what it sends, for the time of a lease. What
a process that died had claimed is due again when its lease has run out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from desk.db.schema import calls, deliveries, timeline
from desk.db.types import UtcTime, iso
from desk.numbering import ticket_number
from desk.outbox.fan_out import PENDING, keys_before
from desk.text import parsed, storable

DEAD = literal_column("'dead'", String)

_earlier = deliveries.alias("earlier")
_is_head = ~exists().where(
    _earlier.c.target == deliveries.c.target,
    _earlier.c.key.in_(keys_before(deliveries.c.key, timeline.c.call_id)),
    _earlier.c.state == PENDING,
    _earlier.c.seq < deliveries.c.seq,
)
FULL = select(
    deliveries.c.id,
    deliveries.c.target,
    deliveries.c.key,
    deliveries.c.attempts,
    deliveries.c.state,
    deliveries.c.last_error,
    timeline.c.seq,
    timeline.c.at,
    timeline.c.kind,
    timeline.c.call_id,
    timeline.c.ticket_id,
    timeline.c.customer_id,
    timeline.c.actor,
    timeline.c.body,
).join(timeline, timeline.c.seq == deliveries.c.seq)
_unclaimed = or_(
    deliveries.c.claimed_until.is_(None), deliveries.c.claimed_until <= bindparam("now")
)
_DUE = (
    FULL.where(
        deliveries.c.target == bindparam("of_target"),
        deliveries.c.state == PENDING,
        deliveries.c.next_at <= bindparam("now"),
        _is_head,
    )
    .order_by(deliveries.c.next_at, deliveries.c.seq)
    .limit(bindparam("most"))
)
_FREE = _DUE.where(_unclaimed).with_for_update(of=deliveries, skip_locked=True)
_NEXT = select(func.min(deliveries.c.next_at)).where(
    deliveries.c.target == bindparam("of_target"), deliveries.c.state == PENDING
)
_BY_ID = update(deliveries).where(deliveries.c.id == bindparam("of_id"))
_CLAIM = _BY_ID.values(claimed_by=bindparam("claimant"), claimed_until=bindparam("until"))
_OURS = _BY_ID.where(
    deliveries.c.state == PENDING,
    or_(deliveries.c.claimed_by.is_(None), deliveries.c.claimed_by == bindparam("claimant")),
)
_NOBODYS = {"claimed_by": None, "claimed_until": None}
_DELIVERED = _BY_ID.where(deliveries.c.state != "delivered").values(
    state="delivered",
    attempts=deliveries.c.attempts + 1,
    last_error="",
    updated_at=bindparam("now"),
    **_NOBODYS,
)
_FAILED = _OURS.values(
    attempts=deliveries.c.attempts + 1,
    next_at=bindparam("then"),
    last_error=bindparam("error"),
    updated_at=bindparam("now"),
    **_NOBODYS,
).returning(deliveries.c.target, deliveries.c.key)
_BURIED = _OURS.values(
    state="dead",
    attempts=deliveries.c.attempts + 1,
    last_error=bindparam("error"),
    updated_at=bindparam("now"),
    **_NOBODYS,
).returning(deliveries.c.target, deliveries.c.key)
_RELEASE = (
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("of_target"),
        deliveries.c.state == PENDING,
        deliveries.c.claimed_by == bindparam("claimant"),
    )
    .values(**_NOBODYS)
)
_ticket_of_call = (
    select(literal("ticket:") + cast(calls.c.ticket_id, String))
    .where(calls.c.id == bindparam("of_call"))
    .scalar_subquery()
)
_WAIT_WITH_HEAD = (
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("of_target"),
        deliveries.c.key.in_([bindparam("of_key"), _ticket_of_call]),
        deliveries.c.state == PENDING,
    )
    .values(next_at=bindparam("then", type_=UtcTime()))
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry on its way to one target.

    `payload` is the entry as JSON values: `seq, kind, at, call_id, ticket_id, ticket_number,
    customer_id, actor, body`. (target, seq) is the same at every attempt: an idempotency key.
    """

    id: int
    seq: int
    target: str
    key: str
    kind: str
    payload: dict[str, Any]
    at: datetime
    attempts: int
    last_error: str


def due(db: Connection, target: str, now: datetime, limit: int) -> list[Delivery]:
    """What may be sent now, longest due first: at most one entry of each ordering key."""
    rows = db.execute(_DUE, {"of_target": target, "now": now, "most": limit})
    return [delivery_of(row) for row in rows]


def claim(
    db: Connection, target: str, claimant: str, now: datetime, until: datetime, limit: int
) -> list[Delivery]:
    """Take what may be sent now and nobody else is sending. It is the claimant's until it reports
    what came of it, or until the lease ends at `until`.

    Args:
        claimant: names one process (and one target's worker in it), 1 to 100 characters.
    """
    rows = db.execute(_FREE, {"of_target": target, "now": now, "most": limit}).all()
    for row in rows:
        db.execute(_CLAIM, {"of_id": row.id, "claimant": claimant, "until": until})
    return [delivery_of(row) for row in rows]


def release(db: Connection, target: str, claimant: str) -> None:
    """Give back what was claimed and not sent: it is due again at once."""
    db.execute(_RELEASE, {"of_target": target, "claimant": claimant})


def next_due_at(db: Connection, target: str) -> datetime | None:
    """When the next delivery is due (may be past); None when nothing waits."""
    at: datetime | None = db.execute(_NEXT, {"of_target": target}).scalar()
    return at


def delivered(db: Connection, delivery_id: int, now: datetime) -> None:
    """The target has it. States only move forward: this wins over a late failure report."""
    db.execute(_DELIVERED, {"of_id": delivery_id, "now": now})


def failed(
    db: Connection,
    delivery_id: int,
    error: str,
    next_at: datetime,
    now: datetime,
    claimant: str = "",
) -> None:
    """It did not arrive, or nobody knows; try again at `next_at`. Says nothing if another process
    has claimed it since."""
    values = {
        "of_id": delivery_id,
        "then": next_at,
        "error": storable(error, 1000),
        "now": now,
        "claimant": claimant,
    }
    _wait_with_head(db, db.execute(_FAILED, values).one_or_none(), next_at)


def bury(db: Connection, delivery_id: int, error: str, now: datetime, claimant: str = "") -> None:
    """Give up: a dead letter, until `replay`. Not if another process has claimed it since."""
    values = {
        "of_id": delivery_id,
        "error": storable(error, 1000),
        "now": now,
        "claimant": claimant,
    }
    _wait_with_head(db, db.execute(_BURIED, values).one_or_none(), now)


def _wait_with_head(db: Connection, head: Any, then: datetime) -> None:
    if head is None:
        return
    kind, _, call_id = head.key.partition(":")
    values = {
        "of_target": head.target,
        "of_key": head.key,
        "of_call": call_id if kind == "call" else "",
        "then": then,
    }
    db.execute(_WAIT_WITH_HEAD, values)


def delivery_of(row: Any) -> Delivery:
    """The delivery in a row of `FULL`."""
    ticket_id = row.ticket_id
    payload = {
        "seq": row.seq,
        "kind": row.kind,
        "at": iso(row.at),
        "call_id": row.call_id,
        "ticket_id": ticket_id,
        "ticket_number": ticket_number(ticket_id) if ticket_id is not None else None,
        "customer_id": row.customer_id,
        "actor": row.actor,
        "body": parsed(row.body) if row.body is not None else None,
    }
    return Delivery(
        row.id,
        row.seq,
        row.target,
        row.key,
        row.kind,
        payload,
        row.at,
        row.attempts,
        row.last_error,
    )
