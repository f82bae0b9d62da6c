"""Writing the journal of calls.

A call that has ended stays open to what is learnt of it later: notes, recordings, its ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, select, update

from desk.callers import CALLER_COLUMNS, caller_body, caller_columns, canonical_list
from desk.db.insert import insert_unless_there
from desk.db.prepared import Prepared
from desk.db.schema import calls, tickets
from desk.db.types import moment
from desk.errors import NoSuchCall, NoSuchTicket
from desk.region.caller import Caller
from desk.text import canonical, storable
from desk.timeline import append

Direction = Literal["inbound", "outbound"]

FIRST_STAGE = "welcome"
MOST_ID = 150

_BEGIN = insert_unless_there(
    calls,
    (
        "id",
        "dialled",
        *CALLER_COLUMNS,
        "customer_ids",
        "stage",
        "stage_state",
        "stage_at",
        "received_at",
        "direction",
        "ticket_id",
    ),
)
_ENTER = Prepared(
    update(calls)
    .where(calls.c.id == bindparam("of_id"))
    .values(stage=bindparam("new_stage"), stage_state=bindparam("state"), stage_at=bindparam("now"))
)
_END = Prepared(
    update(calls)
    .where(calls.c.id == bindparam("of_id"), calls.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), cause=bindparam("why"))
    .returning(calls.c.ticket_id, calls.c.received_at)
)
_TICKET = Prepared(select(calls.c.ticket_id).where(calls.c.id == bindparam("of_id")))
_THERE = Prepared(select(tickets.c.id).where(tickets.c.id == bindparam("of_id")))


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that has just come, or that we have just made.

    Attributes:
        id: Asterisk's id of the caller's channel; of an outbound call, of the channel to whom we
            call, who is the caller to everything else here.
        dialled: the number that was dialled, as the trunk sent it or got it.
        caller_id: the caller's number, as the trunk sent it.
        customer_ids: every customer who has this number.
        ticket_id: of the matter that an outbound call is about: the call belongs to that ticket.
    """

    id: str
    dialled: str
    caller_id: str
    caller: Caller
    customer_ids: tuple[int, ...] = ()
    direction: Direction = "inbound"
    ticket_id: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the journal. `ended_at` and `cause` are None while it lasts."""

    id: str
    dialled: str
    caller_id: str
    caller: Caller
    customer_ids: tuple[int, ...]
    stage: str
    state: Mapping[str, Any]
    stage_at: datetime
    received_at: datetime
    ended_at: datetime | None
    cause: str | None
    ticket_id: int | None
    direction: Direction = "inbound"


def begin(db: Connection, call: NewCall, now: datetime) -> None:
    """Record a call, once: a second report of the same id changes nothing. `call.received`, or
    `call.placed` for an outbound one.

    Raises:
        NoSuchTicket: there is no ticket with the id given.
        ValueError: the id is empty or longer than 150 characters.
    """
    if not 0 < len(call.id) <= MOST_ID:
        raise ValueError(f"a call id has 1 to {MOST_ID} characters, not {len(call.id)}")
    row = {
        "id": call.id,
        "dialled": storable(call.dialled, 200),
        **caller_columns(call.caller, call.caller_id),
        "customer_ids": canonical_list(call.customer_ids),
        "stage": FIRST_STAGE,
        "stage_state": "{}",
        "stage_at": now,
        "received_at": now,
        "direction": call.direction,
        "ticket_id": call.ticket_id,
    }
    if call.ticket_id is not None and not _THERE.execute(db, {"of_id": call.ticket_id}).fetchall():
        raise NoSuchTicket(call.ticket_id)
    if _BEGIN.execute(db, row).rowcount == 0:
        return
    append(
        db,
        kind="call.received" if call.direction == "inbound" else "call.placed",
        body={
            "dialled": row["dialled"],
            "caller": caller_body(call.caller),
            "customer_ids": call.customer_ids,
        },
        now=now,
        call_id=call.id,
        ticket_id=call.ticket_id,
        customer_id=call.customer_ids[0] if len(call.customer_ids) == 1 else None,
    )


def enter_stage(
    db: Connection, call_id: str, stage: str, state: Mapping[str, Any], now: datetime
) -> None:
    """Record the stage that a call enters, with what re-entering it needs. No timeline entry.

    Raises:
        NoSuchCall: `begin` has not been called.
    """
    values = {"of_id": call_id, "new_stage": str(stage), "state": canonical(state), "now": now}
    if _ENTER.execute(db, values).rowcount == 0:
        raise NoSuchCall(call_id)


def note(db: Connection, call_id: str, kind: str, body: Mapping[str, Any], now: datetime) -> None:
    """Add a timeline entry to a call, and to its ticket if it has one by now.

    Raises:
        NoSuchCall: `begin` has not been called.
    """
    row = _TICKET.execute(db, {"of_id": call_id}).fetchone()
    if row is None:
        raise NoSuchCall(call_id)
    append(db, kind=kind, body=body, now=now, call_id=call_id, ticket_id=row[0])


def end(db: Connection, call_id: str, cause: str, now: datetime) -> None:
    """Record that a call is over, once: the first cause stays.

    Args:
        cause: how it ended, like `completed` or `hangup`; `fallback`: the dialplan, which served
            the caller without us, says that it is over.
        now: when it ended; for what is learnt from the dialplan's note, the note's time.

    Raises:
        NoSuchCall: `begin` has not been called.
    """
    cause = storable(cause, 60)
    rows = _END.execute(db, {"of_id": call_id, "now": now, "why": cause}).fetchall()
    if not rows:
        if _TICKET.execute(db, {"of_id": call_id}).fetchone() is None:
            raise NoSuchCall(call_id)
        return
    [[ticket_id, received_at]] = rows
    seconds = round((now - moment(received_at)).total_seconds(), 3)
    append(
        db,
        kind="call.ended",
        body={"cause": cause, "seconds": seconds},
        now=now,
        call_id=call_id,
        ticket_id=ticket_id,
    )
