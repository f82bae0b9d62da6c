"""交接: a ticket goes from one team to another, which has to take it in time.

Until it is taken the team that gives stays in charge, so nobody's ticket lies between two teams.
Its deadline is the due time of the target `hand_over` of the service levels (`desk.sla`), which
moves when that clock pauses; `overdue` says what happens to one that nobody takes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from desk.db.schema import handovers, tickets
from desk.db.types import moment
from desk.errors import HandoverRefused, NoSuchHandover
from desk.sla import projection  # the module: it reads the lifecycle, and may be half loaded here
from desk.text import storable
from desk.tickets.change import By, held, step, write
from desk.tickets.states import OPEN, STATUSES, Action, Need
from desk.tickets.ticket import Ticket
from desk.timeline import append

TIME = timedelta(minutes=30)
"""To take a ticket, where no policy of the service levels is in force that says how long."""
MOST = 200
_LEAST = timedelta(seconds=1)
_MOST_TERM = timedelta(days=366)
_BY_DUE = select(handovers).where(handovers.c.state == "open").order_by(handovers.c.due_at)


@dataclass(frozen=True, slots=True)
class Handover:
    """A ticket's way from team to team.

    Attributes:
        state: open, taken, refused or withdrawn.
        due_at: while the ticket waits for the customer, as of when it began to wait: it will be
            later by so long as that lasts.
        overdue_at: when it was noticed that nobody took it by `due_at`.
    """

    id: int
    ticket_id: int
    from_team: str
    to_team: str
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    due_at: datetime
    overdue_at: datetime | None
    ended_by: str
    ended_at: datetime | None


def ask(
    db: Connection,
    ticket_id: int,
    to_team: str,
    reason: str,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    due_at: datetime | None = None,
) -> Ticket:
    """Ask another team to take an open ticket; `handover.asked`.

    Args:
        due_at: by when; without one, the ticket's policy says how long it may take.

    Raises:
        HandoverRefused: it is not open, is there already, or is on its way already.
        NoSuchTicket, VersionConflict: see `change.held`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    to_team, reason = storable(to_team.strip(), 60), storable(reason.strip(), 1000)
    why = ""
    if ticket.status not in OPEN:
        why = f"it is {ticket.status} ({STATUSES[ticket.status]})"
    elif not to_team or not reason:
        why = "the team or the reason is missing"
    elif to_team == ticket.team:
        why = f"the team {to_team} is in charge of it already"
    elif due_at is not None and due_at < now + _LEAST:
        why = "its deadline is over; give a later one"
    elif due_at is not None and due_at > now + _MOST_TERM:
        why = "its deadline is more than a year ahead; give an earlier one"
    elif (there := open_of_ticket(db, ticket_id)) is not None:
        why = f"it is on its way to {there.to_team} already; withdraw that first"
    if why:
        raise HandoverRefused(f"ticket {ticket.number} cannot be handed over: {why}")
    term = due_at - now if due_at is not None else timedelta()
    due_at = due_at if due_at is not None else now + TIME
    row = {
        "ticket_id": ticket_id,
        "from_team": ticket.team,
        "to_team": to_team,
        "reason": reason,
        "state": "open",
        "asked_by": storable(by.actor, 200),
        "asked_at": now,
        "due_at": due_at,
        "term_seconds": term // _LEAST,
        "ended_by": "",
    }
    db.execute(insert(handovers), row)
    projection.refresh(db, ticket_id)
    there = open_of_ticket(db, ticket_id)
    body: dict[str, Any] = {"from_team": ticket.team, "to_team": to_team, "reason": reason}
    body["due_at"] = there.due_at if there is not None else due_at
    return write(db, ticket, now, by, kind="handover.asked", values={}, body=body)


def take(
    db: Connection,
    ticket_id: int,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    assignee: str | None = None,
) -> Ticket:
    """The other team takes it and is in charge; `ticket.assigned`. Who takes it is the assignee
    unless another is named.

    Raises:
        NoSuchHandover: it is not on its way.
        NoSuchTicket, VersionConflict, RoleNotAllowed: see `steps`.
    """
    ticket, there = _under_way(db, ticket_id, by, expected_version)
    _end(db, there, "taken", now, by)
    place = {
        "team": there.to_team,
        "assignee": storable(by.actor if assignee is None else assignee.strip(), 100),
    }
    return step(
        db, ticket, Action.ASSIGN, now, by, present={Need.PLACE: True}, values=place,
        body={**place, "from_team": there.from_team, "handover_id": there.id},
    )  # fmt: skip


def refuse(
    db: Connection, ticket_id: int, reason: str, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """The other team does not take it and says why; `handover.refused`."""
    if not reason.strip():
        raise HandoverRefused("a hand-over is refused for a reason; say which")
    return _end_open(db, ticket_id, "refused", reason, now, by, expected_version)


def withdraw(
    db: Connection, ticket_id: int, now: datetime, *, by: By, expected_version: int | None
) -> Ticket:
    """The team that gives keeps it; `handover.withdrawn`."""
    return _end_open(db, ticket_id, "withdrawn", "", now, by, expected_version)


def withdraw_open(db: Connection, ticket: Ticket, now: datetime, by: By) -> None:
    """End a hand-over that a change of its ticket, which is held, has made pointless."""
    there = open_of_ticket(db, ticket.id)
    if there is not None:
        _end(db, there, "withdrawn", now, by)
        tell(db, ticket, "handover.withdrawn", there, {"reason": ""}, now, by)


def open_of_ticket(db: Connection, ticket_id: int) -> Handover | None:
    """The hand-over that is under way."""
    found = db.execute(_BY_DUE.where(handovers.c.ticket_id == ticket_id)).first()
    return _handover(found) if found is not None else None


def waiting(
    db: Connection,
    *,
    team: str | None = None,
    due_before: datetime | None = None,
    after: tuple[datetime, int] | None = None,
    within: ColumnElement[bool] | None = None,
    limit: int = 50,
) -> list[Handover]:
    """Hand-overs under way, the most urgent first, at most 200: to `team`, due before a moment.

    Args:
        after: deadline and id of the last one of the previous page.
        within: what must be true of the ticket.
    """
    query = _BY_DUE.order_by(handovers.c.id).limit(min(limit, MOST))
    if after is not None:
        due_at, last = after
        later = and_(handovers.c.due_at == due_at, handovers.c.id > last)
        query = query.where(or_(handovers.c.due_at > due_at, later))
    if within is not None:
        query = query.where(handovers.c.ticket_id.in_(select(tickets.c.id).where(within)))
    if team is not None:
        query = query.where(handovers.c.to_team == team)
    if due_before is not None:
        query = query.where(handovers.c.due_at < due_before)
    return [_handover(row) for row in db.execute(query)]


def of_ticket(db: Connection, ticket_id: int) -> list[Handover]:
    """Every hand-over of a ticket, oldest first."""
    query = select(handovers).where(handovers.c.ticket_id == ticket_id).order_by(handovers.c.id)
    return [_handover(row) for row in db.execute(query)]


def _under_way(
    db: Connection, ticket_id: int, by: By, expected_version: int | None
) -> tuple[Ticket, Handover]:
    ticket = held(db, ticket_id, by, expected_version)
    there = open_of_ticket(db, ticket_id)
    if there is None:
        raise NoSuchHandover(ticket.number)
    return ticket, there


def _end_open(
    db: Connection, ticket_id: int, state: str, reason: str, now: datetime, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    ticket, there = _under_way(db, ticket_id, by, expected_version)
    _end(db, there, state, now, by)
    body = {
        "from_team": there.from_team,
        "to_team": there.to_team,
        "reason": storable(reason.strip(), 1000),
    }
    return write(db, ticket, now, by, kind=f"handover.{state}", values={}, body=body)


def _end(db: Connection, there: Handover, state: str, now: datetime, by: By) -> None:
    db.execute(
        update(handovers)
        .where(handovers.c.id == there.id)
        .values(state=state, ended_at=now, ended_by=storable(by.actor, 200))
    )


def tell(
    db: Connection, ticket: Ticket, kind: str, there: Handover, body: dict[str, Any],
    now: datetime, by: By,
) -> None:  # fmt: skip
    """An entry about a hand-over that leaves the ticket's version as it is."""
    append(
        db,
        kind=kind,
        body={
            "number": ticket.number,
            "from_team": there.from_team,
            "to_team": there.to_team,
            **body,
        },
        now=now,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )


def _handover(row: Any) -> Handover:
    return Handover(
        id=row.id,
        ticket_id=row.ticket_id,
        from_team=row.from_team,
        to_team=row.to_team,
        reason=row.reason,
        state=row.state,
        asked_by=row.asked_by,
        asked_at=moment(row.asked_at),
        due_at=moment(row.due_at),
        overdue_at=row.overdue_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
    )
