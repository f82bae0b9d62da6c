"""Lists of running clocks by when they are due, from what is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, literal, select, tuple_

from desk.db.schema import sla_clocks, tickets
from desk.sla.clock import Clock, Colour
from desk.sla.projection import clock_of
from desk.sla.settings import Target

MOST = 200


class After(NamedTuple):
    """The last clock of a page, to go on behind it."""

    due_at: datetime
    ticket_id: int
    target: str
    cycle: int


@dataclass(frozen=True, slots=True)
class Due:
    """A running clock and what somebody wants to see of its ticket."""

    clock: Clock
    ticket_id: int
    status: str
    level: int
    team: str
    assignee: str
    subject: str

    @property
    def key(self) -> After:
        """Its place in the list."""
        due_at = self.clock.due_at
        assert due_at is not None  # noqa: S101 - such clocks only are listed
        return After(due_at, self.ticket_id, str(self.clock.target), self.clock.cycle)


def due(
    db: Connection,
    now: datetime,
    *,
    colour: Colour | None = None,
    target: Target | None = None,
    team: str | None = None,
    assignee: str | None = None,
    within: ColumnElement[bool] | None = None,
    after: After | None = None,
    limit: int = 50,
) -> list[Due]:
    """Running clocks, the first due first, at most 200. A clock that is paused is due nowhere.

    Args:
        colour: as of now: red is overdue.
        team: in charge of the ticket; `assignee`: likewise.
        within: a condition on `tickets`: those that are shown (see `desk.access.within`).
    """
    columns = (
        tickets.c.status, tickets.c.level, tickets.c.team, tickets.c.assignee, tickets.c.subject
    )  # fmt: skip
    named = [column.label(f"ticket_{column.name}") for column in columns]
    query = (
        select(sla_clocks, *named)
        .join(tickets, tickets.c.id == sla_clocks.c.ticket_id)
        .where(sla_clocks.c.state == "running", sla_clocks.c.due_at.is_not(None))
        .order_by(
            sla_clocks.c.due_at, sla_clocks.c.ticket_id, sla_clocks.c.target, sla_clocks.c.cycle
        )
        .limit(min(limit, MOST))
    )
    if colour is not None:
        query = query.where(_of_colour(colour, now))
    if target is not None:
        query = query.where(sla_clocks.c.target == str(target))
    if team is not None:
        query = query.where(tickets.c.team == team)
    if assignee is not None:
        query = query.where(tickets.c.assignee == assignee)
    if within is not None:
        query = query.where(within)
    if after is not None:
        place = (sla_clocks.c.due_at, sla_clocks.c.ticket_id, sla_clocks.c.target)
        reached = (literal(value, column.type) for value, column in zip(after, place, strict=False))
        query = query.where(
            tuple_(*place, sla_clocks.c.cycle) > tuple_(*reached, literal(after.cycle))
        )
    return [_due(row) for row in db.execute(query)]


def _of_colour(colour: Colour, now: datetime) -> ColumnElement[bool]:
    """As `Clock.colour` has it."""
    red = sla_clocks.c.due_at < now
    amber = and_(sla_clocks.c.amber_at.is_not(None), sla_clocks.c.amber_at <= now)
    if colour == "red":
        return red
    return and_(~red, amber if colour == "amber" else ~amber)


def _due(row: Any) -> Due:
    values = row._mapping
    names = [column.name for column in sla_clocks.c]
    clock = clock_of({name: values[name] for name in names})
    return Due(
        clock=clock,
        ticket_id=values["ticket_id"],
        status=values["ticket_status"],
        level=values["ticket_level"],
        team=values["ticket_team"],
        assignee=values["ticket_assignee"],
        subject=values["ticket_subject"],
    )
