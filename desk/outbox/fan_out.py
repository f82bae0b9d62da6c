"""Fanning out: a delivery row for each new entry and each target that wants its kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from desk.db.schema import deliveries, outbox, outbox_cursors, timeline, timeline_head
from desk.db.types import UtcTime

EVERYTHING = ("*",)
# Literals, not parameters: only so do both databases see that the partial indexes apply.
PENDING = literal_column("'pending'", String)
_CALL = literal_column("'call:'", String)

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
_ahead = deliveries.alias("ahead")


def keys_before(key: Any, call_id: Any) -> tuple[Any, Any]:
    """The ordering keys whose earlier entries go before an entry: its own, and its call's. So
    what happened before a call had its ticket arrives before the ticket."""
    return key, _CALL + call_id


_when_ahead_is_due = (
    select(func.max(_ahead.c.next_at))
    .where(
        _ahead.c.target == bindparam("target"),
        _ahead.c.key.in_(keys_before(outbox.c.key, timeline.c.call_id)),
        _ahead.c.state == PENDING,
    )
    .scalar_subquery()
)


def wanted(kind: ColumnElement[str], kinds: Sequence[str]) -> ColumnElement[bool]:
    """Whether an entry's kind is one of `kinds`: `ticket.opened`, `ticket.*`, or `*` for all."""
    return or_(
        *(
            kind.startswith(one[:-1], autoescape=True) if one.endswith("*") else kind == one
            for one in kinds
        )
    )


@lru_cache(maxsize=64)
def _fan_out_of(kinds: tuple[str, ...]) -> Any:
    new = (
        select(
            outbox.c.seq,
            bindparam("target", type_=deliveries.c.target.type),
            outbox.c.key,
            PENDING,
            literal(0),
            func.coalesce(_when_ahead_is_due, bindparam("at", type_=UtcTime())),
            literal(""),
            bindparam("at", type_=UtcTime()),
        )
        .join(timeline, timeline.c.seq == outbox.c.seq)
        .where(outbox.c.seq > bindparam("after"), outbox.c.seq <= bindparam("last"))
    )
    if kinds != EVERYTHING:
        new = new.where(wanted(timeline.c.kind, kinds))
    return insert(deliveries).from_select(
        ["seq", "target", "key", "state", "attempts", "next_at", "last_error", "updated_at"], new
    )


def fan_out(
    db: Connection,
    targets: Sequence[str],
    now: datetime,
    *,
    kinds: Mapping[str, Sequence[str]] | None = None,
    from_start: bool = False,
) -> int:
    """Make delivery rows for what is new since each target's last call; returns how many.

    The target's cursor is locked until the transaction ends: of several processes one at a time
    takes in a target's entries. A target seen for the first time starts at the present end of the
    timeline, or at the very beginning with `from_start`.

    Args:
        kinds: by target, what it wants (see `wanted`); a target that is not named wants all. What
            it does not want now it will not get later either.
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
        statement = _fan_out_of(tuple((kinds or {}).get(target, EVERYTHING)))
        made += db.execute(statement, values).rowcount
        db.execute(_MOVE_CURSOR, {"of_target": target, "new_seq": end})
    return made
