"""Calls that the desk wants, one row each: what for, by which way, when, and what became of it.

A request for a call goes from `waiting` to `dialling`, which exactly one process takes it to, and
back to `waiting` or on to `done`. `asked`: the customer has a message to answer, or a person has
the task; nothing more happens by itself before `due_at`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, select, update

from desk.db.insert import insert_unless_there
from desk.db.schema.outbound import outbound_requests as requests
from desk.errors import NoSuchTicket
from desk.outbound.errors import NoSuchRequest
from desk.outbound.numbers import Identity
from desk.outbound.settings import Way
from desk.text import storable
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

Purpose = Literal["confirm", "click", "scheduled", "revisit"]
State = Literal["waiting", "dialling", "asked", "done"]

MOST = 200
MOST_NOTE = 1000
BY_AGENTS: tuple[Purpose, ...] = ("click", "scheduled", "revisit")
"""Purposes for which an agent's telephone is rung first."""

_COLUMNS = tuple(name for name in requests.c.keys() if name != "id")  # noqa: SIM118
_INSERT = insert_unless_there(requests, _COLUMNS)
_BY_KEY = select(requests).where(requests.c.key == bindparam("of_key"))
_ONE = select(requests).where(requests.c.id == bindparam("of_id"))
_FOR_CHANGE = _ONE.with_for_update()


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A call that is wanted.

    Attributes:
        key: of what is asked for: the same twice is one request.
        cycle: the ticket's, for `confirm`.
        number: as it is dialled, `""` where nothing will be; `e164` likewise.
        agent: the extension that is rung first, `""` for none.
        due_at: not before.
    """

    key: str
    purpose: Purpose
    way: Way
    due_at: datetime | None
    ticket_id: int | None = None
    cycle: int = 0
    customer_id: int | None = None
    number: str = ""
    e164: str = ""
    identity: Identity | Literal[""] = ""
    agent: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is wanted, and how that stands; see `NewRequest`.

    Attributes:
        attempts: how often it was dialled since it was asked for.
        channel_id: of the last attempt: the id of that call.
        outcome: of the last attempt, or of the whole once it is `done`.
        actor: who asked for it.
    """

    id: int
    key: str
    purpose: Purpose
    way: Way
    state: State
    ticket_id: int | None
    cycle: int
    customer_id: int | None
    number: str
    e164: str
    identity: Identity | Literal[""]
    agent: str
    due_at: datetime | None
    attempts: int
    channel_id: str | None
    outcome: str
    actor: str
    note: str
    asked_at: datetime
    updated_at: datetime


def add(db: Connection, new: NewRequest, now: datetime, *, actor: str) -> tuple[Request, bool]:
    """The request with this key, and whether it was made now; `outbound.requested`.

    Raises:
        NoSuchTicket: there is none with this id.
    """
    if new.ticket_id is not None and get_ticket(db, new.ticket_id) is None:
        raise NoSuchTicket(new.ticket_id)
    row = {
        "key": storable(new.key, 200),
        "purpose": new.purpose,
        "way": new.way,
        "state": "waiting",
        "ticket_id": new.ticket_id,
        "cycle": new.cycle,
        "customer_id": new.customer_id,
        "number": new.number,
        "e164": new.e164,
        "identity": new.identity,
        "agent": storable(new.agent, 40),
        "due_at": new.due_at,
        "attempts": 0,
        "channel_id": None,
        "outcome": "",
        "actor": storable(actor, 200),
        "note": storable(new.note, MOST_NOTE),
        "asked_at": now,
        "updated_at": now,
    }
    fresh = _INSERT.execute(db, row).rowcount == 1
    made = request_of(db.execute(_BY_KEY, {"of_key": row["key"]}).one())
    if fresh:
        tell(
            db, made, "outbound.requested", now, actor=actor,
            way=made.way, e164=made.e164, agent=made.agent, due_at=_iso(made.due_at),
        )  # fmt: skip
    return made, fresh


def get(db: Connection, request_id: int) -> Request | None:
    """The request with this id."""
    row = db.execute(_ONE, {"of_id": request_id}).one_or_none()
    return request_of(row) if row is not None else None


def for_change(db: Connection, request_id: int) -> Request:
    """The request, which nobody else changes until this unit is over.

    Raises:
        NoSuchRequest: there is none with this id.
    """
    row = db.execute(_FOR_CHANGE, {"of_id": request_id}).one_or_none()
    if row is None:
        raise NoSuchRequest(request_id)
    return request_of(row)


def search(
    db: Connection,
    *,
    ticket_id: int | None = None,
    purpose: str | None = None,
    way: str | None = None,
    state: str | None = None,
    agent: str | None = None,
    open_only: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> list[Request]:
    """Requests that meet every given condition, newest first, at most 200.

    Args:
        before: the id of the last one of the previous page.
    """
    query = select(requests).order_by(requests.c.id.desc()).limit(min(limit, MOST))
    wanted: Mapping[str, Any] = {
        "ticket_id": ticket_id, "purpose": purpose, "way": way, "state": state, "agent": agent
    }  # fmt: skip
    for name, value in wanted.items():
        if value is not None:
            query = query.where(requests.c[name] == value)
    if open_only:
        query = query.where(requests.c.state != "done")
    if before is not None:
        query = query.where(requests.c.id < before)
    return [request_of(row) for row in db.execute(query)]


def take(db: Connection, request: Request, channel_id: str, now: datetime) -> Request:
    """Dial a request that is held and waits; `outbound.dialling`."""
    taken = change(
        db, request, now,
        state="dialling", attempts=request.attempts + 1, channel_id=channel_id, outcome="",
    )  # fmt: skip
    tell(db, taken, "outbound.dialling", now, attempt=taken.attempts, channel_id=channel_id)
    return taken


def again(
    db: Connection, request: Request, outcome: str, due_at: datetime, now: datetime
) -> Request:
    """Put a request that is held back, to be called from `due_at`; `outbound.postponed`."""
    put = change(db, request, now, state="waiting", outcome=outcome, due_at=due_at)
    tell(
        db, put, "outbound.postponed", now,
        outcome=outcome, attempt=put.attempts, due_at=_iso(due_at),
    )  # fmt: skip
    return put


def by_way(
    db: Connection, request: Request, way: Way, outcome: str, due_at: datetime, now: datetime
) -> Request:
    """Go on by another way with a request that is held; `outbound.postponed`."""
    put = change(db, request, now, way=way, state="waiting", outcome=outcome, due_at=due_at)
    tell(
        db, put, "outbound.postponed", now,
        outcome=outcome, attempt=put.attempts, way=way, due_at=_iso(due_at),
    )  # fmt: skip
    return put


def asked(
    db: Connection, request: Request, due_at: datetime | None, now: datetime, *, of: str
) -> Request:
    """It is somebody's turn now: the customer's, or a person's; `outbound.asked`. `of`: whose."""
    put = change(db, request, now, state="asked", due_at=due_at)
    tell(db, put, "outbound.asked", now, way=put.way, of=of, due_at=_iso(due_at))
    return put


def done(
    db: Connection, request: Request, outcome: str, now: datetime, *, actor: str = "system"
) -> Request:
    """End a request that is held, once: the first outcome stays; `outbound.done`."""
    if request.state == "done":
        return request
    ended = change(db, request, now, state="done", outcome=outcome, due_at=None)
    tell(db, ended, "outbound.done", now, actor=actor, outcome=outcome, attempts=ended.attempts)
    return ended


def change(db: Connection, request: Request, now: datetime, **values: Any) -> Request:
    """Set columns of a request that is held."""
    if "outcome" in values:
        values["outcome"] = storable(values["outcome"], 60)
    db.execute(update(requests).where(requests.c.id == request.id).values(**values, updated_at=now))
    return replace(request, **values, updated_at=now)


def tell(
    db: Connection,
    request: Request,
    kind: str,
    now: datetime,
    *,
    actor: str = "system",
    **body: Any,
) -> None:
    """Add a line about a request to its ticket's timeline."""
    append(
        db,
        kind=kind,
        body={"request_id": request.id, "purpose": request.purpose, **body},
        now=now,
        ticket_id=request.ticket_id,
        customer_id=request.customer_id,
        actor=actor,
        outbox_key=f"outbound-{request.id}",
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def request_of(row: Any) -> Request:
    """The request in a row of all columns."""
    return Request(
        id=row.id,
        key=row.key,
        purpose=row.purpose,
        way=row.way,
        state=row.state,
        ticket_id=row.ticket_id,
        cycle=row.cycle,
        customer_id=row.customer_id,
        number=row.number,
        e164=row.e164,
        identity=row.identity,
        agent=row.agent,
        due_at=row.due_at,
        attempts=row.attempts,
        channel_id=row.channel_id,
        outcome=row.outcome,
        actor=row.actor,
        note=row.note,
        asked_at=row.asked_at,
        updated_at=row.updated_at,
    )
