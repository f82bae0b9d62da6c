"""Call-backs: callers who hung up and keep their place. The table is the dialler's queue.

A request goes from `waiting` to `dialling`, which exactly one process takes it to, and on to
`done`, or back to `waiting` when nobody was reached and it shall be tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.prepared import Prepared
from desk.db.schema import callbacks, calls
from desk.errors import NoSuchCall, NoSuchCallback
from desk.text import canonical, parsed, storable
from desk.timeline import append

State = Literal["waiting", "dialling", "done"]

_TICKET = Prepared(select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call")))
_OF_CALL = Prepared(select(callbacks.c.id).where(callbacks.c.call_id == bindparam("of_call")))
_INSERT = {
    "sqlite": sqlite.insert(callbacks).on_conflict_do_nothing().returning(callbacks.c.id),
    "postgresql": postgresql.insert(callbacks).on_conflict_do_nothing().returning(callbacks.c.id),
}
_ONE = select(callbacks).where(callbacks.c.id == bindparam("of_id"))
_FOR_CHANGE = _ONE.with_for_update()
_OPEN = (
    select(callbacks).where(callbacks.c.state != "done").order_by(callbacks.c.since, callbacks.c.id)
)
_WAITING = _OPEN.where(callbacks.c.state == "waiting")
_DUE = _WAITING.where(callbacks.c.due_at <= bindparam("now"))
_PLACED = select(func.count()).where(
    calls.c.received_at >= bindparam("since"), calls.c.direction == "outbound"
)
_SET = update(callbacks).where(callbacks.c.id == bindparam("of_id"))
_DIALLING = _SET.values(
    state="dialling",
    attempts=callbacks.c.attempts + 1,
    channel_id=bindparam("channel"),
    updated_at=bindparam("now"),
)
_AGAIN = _SET.values(
    state="waiting", due_at=bindparam("due"), outcome=bindparam("what"), updated_at=bindparam("now")
)
_DONE = _SET.values(state="done", outcome=bindparam("what"), updated_at=bindparam("now"))


@dataclass(frozen=True, slots=True)
class NewCallback:
    """A caller asks to be called back.

    Attributes:
        number: to be dialled.
        need: which agents can take it, as the queue wrote it.
        since: when the caller began to wait: the place that is kept.
        priority: as in the queue; more goes first.
    """

    call_id: str
    number: str
    need: Mapping[str, Any]
    since: datetime
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Callback:
    """A request and how it stands.

    Attributes:
        due_at: not to be dialled before.
        attempts: how often it was dialled.
        channel_id: of the last attempt: the id of the call back.
        outcome: of the last attempt that is over.
    """

    id: int
    call_id: str
    number: str
    need: Mapping[str, Any]
    since: datetime
    priority: int
    state: State
    due_at: datetime
    attempts: int
    channel_id: str | None
    outcome: str | None


def request(db: Connection, new: NewCallback, now: datetime) -> int:
    """Keep a request, once per call; `callback.requested`. Returns its id.

    Raises:
        NoSuchCall: the call is not in the journal.
    """
    row = {
        "call_id": new.call_id,
        "number": storable(new.number, 40),
        "need": canonical(new.need),
        "since": new.since,
        "priority": new.priority,
        "state": "waiting",
        "due_at": now,
        "attempts": 0,
        "updated_at": now,
    }
    ticket_id = _ticket_of(db, new.call_id)
    callback_id: int | None = db.execute(_INSERT[db.dialect.name], row).scalar()
    if callback_id is None:
        known: int = _OF_CALL.execute(db, {"of_call": new.call_id}).fetchone()[0]
        return known
    append(
        db,
        kind="callback.requested",
        body={"callback_id": callback_id, "number": row["number"]},
        now=now,
        call_id=new.call_id,
        ticket_id=ticket_id,
    )
    return callback_id


def get(db: Connection, callback_id: int) -> Callback | None:
    """The request with this id."""
    row = db.execute(_ONE, {"of_id": callback_id}).one_or_none()
    return _callback(row) if row is not None else None


def waiting(db: Connection, now: datetime | None = None) -> list[Callback]:
    """Requests to be dialled, who waits longest first; with `now` only those that are due."""
    rows = db.execute(_WAITING) if now is None else db.execute(_DUE, {"now": now})
    return [_callback(row) for row in rows]


def unfinished(db: Connection) -> list[Callback]:
    """Requests that wait or are being dialled: what a restart looks at."""
    return [_callback(row) for row in db.execute(_OPEN)]


def placed(db: Connection, since: datetime) -> int:
    """How many calls were placed since then, whatever became of them."""
    count: int = db.execute(_PLACED, {"since": since}).scalar_one()
    return count


def dialling(db: Connection, callback_id: int, channel_id: str, now: datetime) -> bool:
    """Take a request to dial it now; `callback.dialling`. False: another has taken it.

    Raises:
        NoSuchCallback: there is none with this id.
    """
    callback = _for_change(db, callback_id)
    if callback.state != "waiting":
        return callback.state == "dialling" and callback.channel_id == channel_id
    db.execute(_DIALLING, {"of_id": callback_id, "channel": channel_id, "now": now})
    body = {"channel_id": channel_id, "attempt": callback.attempts + 1}
    _tell(db, callback, "callback.dialling", body, now)
    return True


def again(db: Connection, callback_id: int, outcome: str, due_at: datetime, now: datetime) -> None:
    """Nobody was reached: put a request back, to be dialled from `due_at`; `callback.postponed`.
    What is not being dialled stays as it is.

    Raises:
        NoSuchCallback: there is none with this id.
    """
    callback = _for_change(db, callback_id)
    if callback.state != "dialling":
        return
    outcome = storable(outcome, 60)
    db.execute(_AGAIN, {"of_id": callback_id, "what": outcome, "due": due_at, "now": now})
    body = {"outcome": outcome, "attempt": callback.attempts, "due_at": due_at.isoformat()}
    _tell(db, callback, "callback.postponed", body, now)


def done(db: Connection, callback_id: int, outcome: str, now: datetime) -> None:
    """End a request, once: the first outcome stays; `callback.done`.

    Raises:
        NoSuchCallback: there is none with this id.
    """
    callback = _for_change(db, callback_id)
    if callback.state == "done":
        return
    outcome = storable(outcome, 60)
    db.execute(_DONE, {"of_id": callback_id, "what": outcome, "now": now})
    body = {"outcome": outcome, "attempts": callback.attempts}
    _tell(db, callback, "callback.done", body, now)


def _for_change(db: Connection, callback_id: int) -> Callback:
    row = db.execute(_FOR_CHANGE, {"of_id": callback_id}).one_or_none()
    if row is None:
        raise NoSuchCallback(callback_id)
    return _callback(row)


def _ticket_of(db: Connection, call_id: str) -> int | None:
    row = _TICKET.execute(db, {"of_call": call_id}).fetchone()
    if row is None:
        raise NoSuchCall(call_id)
    ticket_id: int | None = row[0]
    return ticket_id


def _tell(
    db: Connection, callback: Callback, kind: str, body: Mapping[str, Any], now: datetime
) -> None:
    append(
        db,
        kind=kind,
        body={"callback_id": callback.id, **body},
        now=now,
        call_id=callback.call_id,
        ticket_id=_ticket_of(db, callback.call_id),
    )


def _callback(row: Any) -> Callback:
    return Callback(
        id=row.id,
        call_id=row.call_id,
        number=row.number,
        need=parsed(row.need),
        since=row.since,
        priority=row.priority,
        state=row.state,
        due_at=row.due_at,
        attempts=row.attempts,
        channel_id=row.channel_id,
        outcome=row.outcome,
    )
