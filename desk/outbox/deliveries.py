"""Deliveries: one row per entry and target, from `pending` to `delivered` or `dead`.

Only the head of each ordering key is ever due, so a target sees a ticket's entries in order and
one at a time. What waits behind a failed head shares its `next_at`: a target that is down costs
one look at an index, however much waits for it. A dead letter lets the entries behind it pass;
replayed, it goes before those that still wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from desk.db.schema import deliveries, outbox, outbox_cursors, timeline, timeline_head
from desk.db.types import UtcTime, iso
from desk.numbering import ticket_number
from desk.text import parsed, storable

_CURSOR = (
    select(outbox_cursors.c.seq)
    .where(outbox_cursors.c.target == bindparam("target"))
    .with_for_update()
)
_END = select(timeline_head.c.seq)
_NEW_CURSOR = insert(outbox_cursors)
_MOVE_CURSOR = (
    update(outbox_cursors)
    .where(outbox_cursors.c.target == bindparam("of_target"))
    .values(seq=bindparam("new_seq"))
)
# Literals, not parameters: only so do both databases see that the partial indexes apply.
PENDING = literal_column("'pending'", String)
DEAD = literal_column("'dead'", String)

_ahead = deliveries.alias("ahead")
_when_ahead_is_due = (
    select(func.max(_ahead.c.next_at))
    .where(
        _ahead.c.target == bindparam("target"),
        _ahead.c.key == outbox.c.key,
        _ahead.c.state == PENDING,
    )
    .scalar_subquery()
)
_FAN_OUT = insert(deliveries).from_select(
    ["seq", "target", "key", "state", "attempts", "next_at", "last_error", "updated_at"],
    select(
        outbox.c.seq,
        bindparam("target", type_=deliveries.c.target.type),
        outbox.c.key,
        PENDING,
        literal(0),
        func.coalesce(_when_ahead_is_due, bindparam("at", type_=UtcTime())),
        literal(""),
        bindparam("at", type_=UtcTime()),
    ).where(outbox.c.seq > bindparam("after"), outbox.c.seq <= bindparam("last")),
)

_earlier = deliveries.alias("earlier")
_is_head = ~exists().where(
    _earlier.c.target == deliveries.c.target,
    _earlier.c.key == deliveries.c.key,
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
_NEXT = select(func.min(deliveries.c.next_at)).where(
    deliveries.c.target == bindparam("of_target"), deliveries.c.state == PENDING
)
_BY_ID = update(deliveries).where(deliveries.c.id == bindparam("of_id"))
_BY_IDPENDING = _BY_ID.where(deliveries.c.state == PENDING)
_DELIVERED = _BY_ID.where(deliveries.c.state != "delivered").values(
    state="delivered",
    attempts=deliveries.c.attempts + 1,
    last_error="",
    updated_at=bindparam("now"),
)
_FAILED = _BY_IDPENDING.values(
    attempts=deliveries.c.attempts + 1,
    next_at=bindparam("then"),
    last_error=bindparam("error"),
    updated_at=bindparam("now"),
).returning(deliveries.c.target, deliveries.c.key)
_BURIED = _BY_IDPENDING.values(
    state="dead",
    attempts=deliveries.c.attempts + 1,
    last_error=bindparam("error"),
    updated_at=bindparam("now"),
).returning(deliveries.c.target, deliveries.c.key)
_WAIT_WITH_HEAD = (
    update(deliveries)
    .where(
        deliveries.c.target == bindparam("of_target"),
        deliveries.c.key == bindparam("of_key"),
        deliveries.c.state == PENDING,
    )
    .values(next_at=bindparam("then"))
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


def fan_out(
    db: Connection, targets: Sequence[str], now: datetime, *, from_start: bool = False
) -> int:
    """Make delivery rows for what is new since each target's last call; returns how many.

    A target seen for the first time starts at the present end of the timeline, or at the very
    beginning with `from_start`.
    """
    made = 0
    end: int = db.execute(_END).scalar_one()
    for target in targets:
        cursor = db.execute(_CURSOR, {"target": target}).scalar()
        if cursor is None:
            cursor = 0 if from_start else end
            db.execute(_NEW_CURSOR, {"target": target, "seq": cursor})
        if cursor >= end:
            continue
        values = {"target": target, "after": cursor, "last": end, "at": now}
        made += db.execute(_FAN_OUT, values).rowcount
        db.execute(_MOVE_CURSOR, {"of_target": target, "new_seq": end})
    return made


def due(db: Connection, target: str, now: datetime, limit: int) -> list[Delivery]:
    """What may be sent now, longest due first: at most one entry of each ordering key."""
    rows = db.execute(_DUE, {"of_target": target, "now": now, "most": limit})
    return [delivery_of(row) for row in rows]


def next_due_at(db: Connection, target: str) -> datetime | None:
    """When the next delivery is due (may be past); None when nothing waits."""
    at: datetime | None = db.execute(_NEXT, {"of_target": target}).scalar()
    return at


def delivered(db: Connection, delivery_id: int, now: datetime) -> None:
    """The target has it. States only move forward: this wins over a late failure report."""
    db.execute(_DELIVERED, {"of_id": delivery_id, "now": now})


def failed(db: Connection, delivery_id: int, error: str, next_at: datetime, now: datetime) -> None:
    """It did not arrive, or nobody knows; try again at `next_at`."""
    values = {"of_id": delivery_id, "then": next_at, "error": storable(error, 1000), "now": now}
    _wait_with_head(db, db.execute(_FAILED, values).one_or_none(), next_at)


def bury(db: Connection, delivery_id: int, error: str, now: datetime) -> None:
    """Give up: a dead letter, until `replay`."""
    values = {"of_id": delivery_id, "error": storable(error, 1000), "now": now}
    _wait_with_head(db, db.execute(_BURIED, values).one_or_none(), now)


def _wait_with_head(db: Connection, head: Any, then: datetime) -> None:
    if head is not None:
        values = {"of_target": head.target, "of_key": head.key, "then": then}
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
