"""Reading the journal of calls."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, tuple_

from desk.callers import caller_of
from desk.db.schema import calls
from desk.journal.calls import Call
from desk.text import parsed

MOST = 200

_ONE = select(calls).where(calls.c.id == bindparam("of_id"))
_UNFINISHED = select(calls).where(calls.c.ended_at.is_(None)).order_by(calls.c.received_at)
_NEWEST = select(calls).order_by(calls.c.received_at.desc(), calls.c.id.desc())


def get(db: Connection, call_id: str) -> Call | None:
    """The call with this id."""
    row = db.execute(_ONE, {"of_id": call_id}).one_or_none()
    return _call(row) if row is not None else None


def unfinished(db: Connection) -> list[Call]:
    """Calls that have begun and not ended, oldest first: live ones, and after a crash those to
    resume or to reconcile.
    """
    return [_call(row) for row in db.execute(_UNFINISHED)]


def search(
    db: Connection,
    *,
    live: bool | None = None,
    e164: str | None = None,
    area_code: str | None = None,
    ticket_id: int | None = None,
    limit: int = 50,
    before: str | None = None,
    within: ColumnElement[bool] | None = None,
) -> list[Call]:
    """Calls that meet every given condition, newest first, at most 200.

    Args:
        live: True for calls that last, False for those that ended.
        before: the id of the last call of the previous page.
        within: what else must be true of the call.
    """
    query = _NEWEST.limit(min(limit, MOST))
    if within is not None:
        query = query.where(within)
    if live is not None:
        query = query.where(calls.c.ended_at.is_(None) if live else calls.c.ended_at.is_not(None))
    if e164 is not None:
        query = query.where(calls.c.e164 == e164)
    if area_code is not None:
        query = query.where(calls.c.area_code == area_code)
    if ticket_id is not None:
        query = query.where(calls.c.ticket_id == ticket_id)
    if before is not None:
        last = calls.alias("last")
        place = select(last.c.received_at, last.c.id).where(last.c.id == before)
        query = query.where(tuple_(calls.c.received_at, calls.c.id) < place.scalar_subquery())
    return [_call(row) for row in db.execute(query)]


def _call(row: Any) -> Call:
    return Call(
        id=row.id,
        dialled=row.dialled,
        caller_id=row.caller_id,
        caller=caller_of(row),
        customer_ids=tuple(parsed(row.customer_ids)),
        stage=row.stage,
        state=parsed(row.stage_state),
        stage_at=row.stage_at,
        received_at=row.received_at,
        ended_at=row.ended_at,
        cause=row.cause,
        ticket_id=row.ticket_id,
        direction=row.direction,
    )
