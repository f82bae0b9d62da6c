"""In which order tickets are listed, and where in it a page goes on."""

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select

from desk.db.schema import sla_clocks, tickets
from desk.db.types import UtcTime, iso, moment
from desk.tickets.ticket import Ticket

Sort = Literal["newest", "oldest", "updated", "due"]
"""`updated`: what changed last first. `due`: what has to be solved soonest first, what is not due
at all last.
"""

Place = tuple[datetime | None, int]
"""Where a ticket stands: the moment by which it is ordered (None: by its id alone), and its id."""

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_due: Any = func.coalesce(
    select(func.min(sla_clocks.c.due_at))
    .where(
        sla_clocks.c.ticket_id == tickets.c.id,
        sla_clocks.c.target == "resolution",
        sla_clocks.c.state == "running",
    )
    .correlate(tickets)
    .scalar_subquery(),
    literal(_NEVER, UtcTime()),
    type_=UtcTime(),
)


def ordered(query: Select[Any], sort: Sort) -> Select[Any]:
    """The tickets of a query in an order."""
    ids = tickets.c.id
    match sort:
        case "newest":
            return query.order_by(ids.desc())
        case "oldest":
            return query.order_by(ids)
        case "updated":
            return query.order_by(tickets.c.updated_at.desc(), ids.desc())
        case "due":
            return query.order_by(_due, ids)


def beyond(sort: Sort, after: Place) -> ColumnElement[bool]:
    """What comes after a place in the order."""
    at, ticket_id = after
    ids = tickets.c.id
    match sort:
        case "newest":
            return ids < ticket_id
        case "oldest":
            return ids > ticket_id
        case "updated":
            changed = tickets.c.updated_at
            return or_(changed < at, and_(changed == at, ids < ticket_id))
        case "due":
            return or_(_due > at, and_(_due == at, ids > ticket_id))


def place_of(db: Connection, ticket: Ticket, sort: Sort) -> str:
    """Where a ticket stands in the order, as text for a cursor."""
    if sort == "updated":
        return f"{iso(ticket.updated_at)}|{ticket.id}"
    if sort == "due":
        at = db.execute(select(_due).select_from(tickets).where(tickets.c.id == ticket.id))
        return f"{iso(moment(at.scalar_one()))}|{ticket.id}"
    return str(ticket.id)


def place_in(text: str, sort: Sort) -> Place:
    """The place that such a text names.

    Raises:
        ValueError: it is none of this order.
    """
    at, bar, ticket_id = text.rpartition("|")
    if not (ticket_id.isascii() and ticket_id.isdigit() and len(ticket_id) < 19):
        raise ValueError(f"{text!r} is no place")
    if bool(bar) != (sort in ("updated", "due")):
        raise ValueError(f"{text!r} is no place in the order {sort}")
    when = moment(at) if bar else None
    if when is not None and when.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return when, int(ticket_id)
