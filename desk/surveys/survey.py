"""What a survey is: one question to one customer, answered once or never; and reading them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from desk.db.schema import tickets
from desk.db.schema.survey import surveys
from desk.db.types import moment
from desk.numbering import ticket_number
from desk.surveys.low import Effect
from desk.surveys.settings import Channel

MOST = 200


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey.

    Attributes:
        channel: `key`: in the call `call_id`; `link`: by the web link `link_id`.
        cycle: the ticket's when it was asked.
        points: 1 (worst) to 5; None: not answered.
        effect: what the answer did.
    """

    id: int
    channel: Channel
    ticket_id: int
    cycle: int
    customer_id: int | None
    call_id: str | None
    link_id: int | None
    asked_at: datetime
    answered_at: datetime | None
    points: int | None
    comment: str
    effect: Effect

    @property
    def number(self) -> str:
        """The ticket's number."""
        return ticket_number(self.ticket_id)


def get(db: Connection, survey_id: int) -> Survey | None:
    """The survey with this id."""
    return one_of(db, surveys.c.id == survey_id)


def of_ticket(db: Connection, ticket_id: int) -> list[Survey]:
    """A ticket's surveys, oldest first."""
    query = select(surveys).where(surveys.c.ticket_id == ticket_id).order_by(surveys.c.id)
    return [survey_of(row) for row in db.execute(query.limit(MOST))]


def search(
    db: Connection,
    *,
    answered: bool | None = None,
    most_points: int | None = None,
    customer_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
    within: ColumnElement[bool] | None = None,
) -> list[Survey]:
    """Surveys, newest first, at most 200.

    Args:
        answered: only those that were, or were not.
        most_points: only answers of at most so many points.
        before: only those asked before the one with this id.
        within: a condition on `tickets`: only surveys about those.
    """
    query = select(surveys).order_by(surveys.c.id.desc()).limit(min(limit, MOST))
    if answered is not None:
        there = surveys.c.answered_at.is_not(None) if answered else surveys.c.answered_at.is_(None)
        query = query.where(there)
    if most_points is not None:
        query = query.where(surveys.c.points <= most_points)
    if customer_id is not None:
        query = query.where(surveys.c.customer_id == customer_id)
    if before is not None:
        query = query.where(surveys.c.id < before)
    if within is not None:
        query = query.join(tickets, tickets.c.id == surveys.c.ticket_id).where(within)
    return [survey_of(row) for row in db.execute(query)]


def one_of(db: Connection, *conditions: Any) -> Survey | None:
    """The one survey for which these hold."""
    row = db.execute(select(surveys).where(*conditions)).one_or_none()
    return survey_of(row) if row is not None else None


def survey_of(row: Any) -> Survey:
    """The survey in a row of all columns."""
    return Survey(
        id=row.id,
        channel=row.channel,
        ticket_id=row.ticket_id,
        cycle=row.cycle,
        customer_id=row.customer_id,
        call_id=row.call_id,
        link_id=row.link_id,
        asked_at=moment(row.asked_at),
        answered_at=moment(row.answered_at) if row.answered_at is not None else None,
        points=row.points,
        comment=row.comment,
        effect=Effect(row.effect),
    )
