"""定期回访: after a case is closed somebody asks the customer again, every so many days.

A series is made by hand. Each visit becomes a task of its agent when its day comes, by a notice;
the agent calls (by click, which joins the ticket), and records how it went.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from desk.db.schema.outbound import revisit_visits as visits
from desk.db.schema.outbound import revisits
from desk.db.types import moment
from desk.errors import NotPossibleNow
from desk.notices import NewNotice, notify
from desk.numbering import ticket_number
from desk.outbound.errors import NoSuchRevisit, RequestEnded
from desk.outbound.whom import in_charge
from desk.text import storable
from desk.tickets.states import Status
from desk.tickets.ticket import for_change as ticket_for_change
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

Outcome = Literal["satisfied", "dissatisfied", "unreachable"]
MOST_VISITS = 24
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a series: `planned`, `due` once it is somebody's task, then `done` or
    `cancelled`.
    """

    visit: int
    due_at: datetime
    state: str
    told_at: datetime | None
    outcome: str
    result: str
    call_id: str | None
    actor: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Revisit:
    """A series of visits. `agent`: whose task they are; `""`: of who looks after the ticket."""

    id: int
    ticket_id: int
    agent: str
    every_days: int
    state: str
    note: str
    actor: str
    made_at: datetime
    ended_at: datetime | None
    visits: tuple[Visit, ...]


def plan(
    db: Connection,
    ticket_id: int,
    every_days: int,
    count: int,
    now: datetime,
    *,
    actor: str,
    agent: str = "",
    first_at: datetime | None = None,
    note: str = "",
) -> Revisit:
    """Plan a series for a closed ticket; `revisit.planned`.

    Args:
        first_at: of the first visit; None: `every_days` from now.

    Raises:
        NoSuchTicket: there is none with this id.
        NotPossibleNow: the ticket is not closed.
        ValueError: too many visits, or too far apart.
    """
    if not 1 <= every_days <= MOST_DAYS or not 1 <= count <= MOST_VISITS:
        raise ValueError(
            f"1 to {MOST_VISITS} visits, every 1 to {MOST_DAYS} days; not {count}, {every_days}"
        )
    ticket = ticket_for_change(db, ticket_id)
    if ticket.status != Status.CLOSED:
        raise NotPossibleNow(
            f"ticket {ticket.number} is not closed", "Plan re-visits once the customer confirmed."
        )
    row = {
        "ticket_id": ticket_id,
        "agent": storable(agent.strip(), 100),
        "every_days": every_days,
        "visits": count,
        "state": "active",
        "note": storable(note.strip(), 1000),
        "actor": storable(actor, 200),
        "made_at": now,
    }
    key: Any = db.execute(insert(revisits), row).inserted_primary_key
    first = first_at or now + timedelta(days=every_days)
    planned = [
        {
            "revisit_id": key[0],
            "visit": number + 1,
            "due_at": first + timedelta(days=every_days * number),
            "state": "planned",
            "outcome": "",
            "result": "",
            "actor": "",
        }
        for number in range(count)
    ]
    db.execute(insert(visits), planned)
    body: dict[str, Any] = {
        "visits": count, "every_days": every_days, "first_at": first.isoformat()
    }  # fmt: skip
    _tell(db, "revisit.planned", key[0], ticket_id, now, actor, **body)
    return _existing(db, key[0])


def get(db: Connection, revisit_id: int) -> Revisit | None:
    """The series with this id."""
    row = db.execute(select(revisits).where(revisits.c.id == revisit_id)).one_or_none()
    return _revisit(row, _visits(db, revisit_id)) if row is not None else None


def of_ticket(db: Connection, ticket_id: int) -> list[Revisit]:
    """A ticket's series, oldest first."""
    query = select(revisits).where(revisits.c.ticket_id == ticket_id).order_by(revisits.c.id)
    return [_revisit(row, _visits(db, row.id)) for row in db.execute(query).all()]


def due(
    db: Connection, *, agent: str | None = None, after: int = 0, limit: int = 50
) -> list[Revisit]:
    """Series beyond the id `after` with a visit that is somebody's task now, at most 200; of one
    agent if told."""
    now_due = select(visits.c.revisit_id).where(visits.c.state == "due")
    query = select(revisits).where(revisits.c.id > after, revisits.c.id.in_(now_due))
    if agent is not None:
        query = query.where(revisits.c.agent == agent)
    rows = db.execute(query.order_by(revisits.c.id).limit(min(limit, 200))).all()
    return [_revisit(row, _visits(db, row.id)) for row in rows]


def record(
    db: Connection,
    revisit_id: int,
    visit: int,
    outcome: Outcome,
    result: str,
    now: datetime,
    *,
    actor: str,
    call_id: str | None = None,
) -> Revisit:
    """How a visit went; `revisit.done`. After the last one the series is done.

    Raises:
        NoSuchRevisit: there is none.
        RequestEnded: it is recorded already, or was cancelled.
    """
    row = _held(db, revisit_id)
    found = next((each for each in _visits(db, revisit_id) if each.visit == visit), None)
    if found is None:
        raise NoSuchRevisit(revisit_id, visit)
    if found.state in ("done", "cancelled"):
        raise RequestEnded(f"visit {visit} of re-visit {revisit_id}", found.state)
    values = {
        "state": "done",
        "outcome": outcome,
        "result": storable(result.strip(), 4000),
        "call_id": call_id,
        "actor": storable(actor, 200),
        "done_at": now,
    }
    _set(db, revisit_id, visit, values)
    body = {"visit": visit, "outcome": outcome, "result": values["result"]}
    _tell(db, "revisit.done", revisit_id, row.ticket_id, now, actor, call_id, **body)
    left = select(visits.c.visit).where(
        visits.c.revisit_id == revisit_id, visits.c.state.in_(("planned", "due"))
    )
    if db.execute(left).first() is None:
        _end(db, revisit_id, "done", now)
    return _existing(db, revisit_id)


def cancel(db: Connection, revisit_id: int, reason: str, now: datetime, *, actor: str) -> Revisit:
    """No further visits; `revisit.cancelled`. Twice is once.

    Raises:
        NoSuchRevisit: there is none.
    """
    row = _held(db, revisit_id)
    if row.state != "active":
        return _existing(db, revisit_id)
    db.execute(
        update(visits)
        .where(visits.c.revisit_id == revisit_id, visits.c.state.in_(("planned", "due")))
        .values(state="cancelled")
    )
    _end(db, revisit_id, "cancelled", now)
    body = {"reason": storable(reason.strip(), 1000)}
    _tell(db, "revisit.cancelled", revisit_id, row.ticket_id, now, actor, **body)
    return _existing(db, revisit_id)


def next_visit(db: Connection) -> datetime | None:
    """When the next visit becomes somebody's task."""
    query = (
        select(visits.c.due_at)
        .where(visits.c.state == "planned")
        .order_by(visits.c.due_at)
        .limit(1)
    )
    at = db.execute(query).scalar_one_or_none()
    return moment(at) if at is not None else None


def tell_due(db: Connection, now: datetime, limit: int) -> int:
    """Make visits whose time has come somebody's task, each once; `revisit.due`. How many."""
    query = (
        select(visits.c.revisit_id, visits.c.visit)
        .where(visits.c.state == "planned", visits.c.due_at <= now)
        .order_by(visits.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    told = db.execute(query).all()
    for revisit_id, visit in told:
        _set(db, revisit_id, visit, {"state": "due", "told_at": now})
        series = _existing(db, revisit_id)
        ticket = get_ticket(db, series.ticket_id)
        to = f"agent:{series.agent}" if series.agent.isdigit() else series.agent
        to = to or (in_charge(ticket) if ticket is not None else "role:supervisor")
        text = f"工单{ticket_number(series.ticket_id)}第{visit}次定期回访 visit {visit} is due"
        key = f"revisit:{revisit_id}:{visit}"
        notify(db, NewNotice(to, "revisit_due", text, key, series.ticket_id), now)
        body = {"visit": visit, "to": to}
        _tell(db, "revisit.due", revisit_id, series.ticket_id, now, "system", **body)
    return len(told)


def _held(db: Connection, revisit_id: int) -> Any:
    query = select(revisits).where(revisits.c.id == revisit_id).with_for_update()
    row = db.execute(query).one_or_none()
    if row is None:
        raise NoSuchRevisit(revisit_id)
    return row


def _existing(db: Connection, revisit_id: int) -> Revisit:
    found = get(db, revisit_id)
    if found is None:
        raise NoSuchRevisit(revisit_id)
    return found


def _set(db: Connection, revisit_id: int, visit: int, values: dict[str, Any]) -> None:
    one = (visits.c.revisit_id == revisit_id, visits.c.visit == visit)
    db.execute(update(visits).where(*one).values(**values))


def _end(db: Connection, revisit_id: int, state: str, now: datetime) -> None:
    db.execute(
        update(revisits).where(revisits.c.id == revisit_id).values(state=state, ended_at=now)
    )


def _tell(
    db: Connection,
    kind: str,
    revisit_id: int,
    ticket_id: int,
    now: datetime,
    actor: str,
    call_id: str | None = None,
    **body: Any,
) -> None:
    append(
        db,
        kind=kind,
        body={"revisit_id": revisit_id, **body},
        now=now,
        call_id=call_id,
        ticket_id=ticket_id,
        actor=actor,
    )


def _visits(db: Connection, revisit_id: int) -> Sequence[Visit]:
    query = select(visits).where(visits.c.revisit_id == revisit_id).order_by(visits.c.visit)
    return [
        Visit(
            row.visit, row.due_at, row.state, row.told_at, row.outcome, row.result, row.call_id,
            row.actor, row.done_at,
        )
        for row in db.execute(query).all()
    ]  # fmt: skip


def _revisit(row: Any, found: Sequence[Visit]) -> Revisit:
    return Revisit(
        row.id, row.ticket_id, row.agent, row.every_days, row.state, row.note, row.actor,
        row.made_at, row.ended_at, tuple(found),
    )  # fmt: skip
