"""What somebody may see, as conditions in SQL: lists are filtered where they are made, so a page
is full and its cursor goes on, and nothing is read that may not be shown.

What belongs to a ticket is whose the ticket is. A call of no ticket yet counts as nobody's ticket;
a call in which somebody talked is his. What is of neither (imports, tokens, agents' states) is for
those who see everything.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, exists, false, or_, select, true

from desk.access.roles import Principal, Reach
from desk.db.schema import calls, customers, handovers, talks, tickets, timeline

AGENT_STATE = "agent.state"  # whom one can turn to is no secret of the house


def tickets_within(who: Principal, reach: Reach) -> ColumnElement[bool]:
    """Of `tickets`: those within reach, as `whose` has it."""
    if reach is Reach.OTHER:
        return true()
    if reach is Reach.NONE:
        return false()
    own = tickets.c.assignee.in_(who.names)
    if reach is Reach.OWN:
        return own
    nobodys = and_(tickets.c.team == "", tickets.c.assignee == "")
    if not who.team:
        return or_(own, nobodys)
    offer = handovers.alias("offer")
    offered = exists().where(
        offer.c.ticket_id == tickets.c.id, offer.c.state == "open", offer.c.to_team == who.team
    )
    return or_(own, nobodys, tickets.c.team == who.team, offered)


def calls_within(who: Principal, reach: Reach) -> ColumnElement[bool]:
    """Of `calls`: those within reach."""
    if reach is Reach.OTHER:
        return true()
    if reach is Reach.NONE:
        return false()
    of_ticket = exists().where(tickets.c.id == calls.c.ticket_id, tickets_within(who, reach))
    talked = exists().where(talks.c.call_id == calls.c.id, talks.c.agent.in_(who.names))
    if reach is Reach.OWN:
        return or_(of_ticket, talked)
    return or_(of_ticket, talked, calls.c.ticket_id.is_(None))


def customers_within(who: Principal, reach: Reach) -> ColumnElement[bool]:
    """Of `customers`: those with a ticket within reach."""
    if reach is Reach.OTHER:
        return true()
    return exists().where(tickets.c.customer_id == customers.c.id, tickets_within(who, reach))


def entries_within(who: Principal, reach: Reach) -> ColumnElement[bool]:
    """Of `timeline`: entries of tickets and calls within reach, and agents' states."""
    if reach is Reach.OTHER:
        return true()
    of_ticket = exists().where(tickets.c.id == timeline.c.ticket_id, tickets_within(who, reach))
    of_call = exists().where(calls.c.id == timeline.c.call_id, calls_within(who, reach))
    return or_(
        of_ticket,
        and_(timeline.c.ticket_id.is_(None), of_call),
        timeline.c.kind == AGENT_STATE,
    )


def seen_tickets(
    db: Connection, who: Principal, reach: Reach, ids: Collection[int]
) -> frozenset[int]:
    """Those of these tickets that are within reach."""
    if reach in (Reach.OTHER, Reach.NONE) or not ids:
        return frozenset(ids if reach else ())
    query = select(tickets.c.id).where(tickets.c.id.in_(ids), tickets_within(who, reach))
    return frozenset(db.execute(query).scalars())


def seen_calls(
    db: Connection, who: Principal, reach: Reach, ids: Collection[str]
) -> frozenset[str]:
    """Those of these calls that are within reach."""
    if reach in (Reach.OTHER, Reach.NONE) or not ids:
        return frozenset(ids if reach else ())
    query = select(calls.c.id).where(calls.c.id.in_(ids), calls_within(who, reach))
    return frozenset(db.execute(query).scalars())


def seen_customers(
    db: Connection, who: Principal, reach: Reach, ids: Collection[int]
) -> frozenset[int]:
    """Those of these customers that are within reach."""
    if reach in (Reach.OTHER, Reach.NONE) or not ids:
        return frozenset(ids if reach else ())
    query = select(customers.c.id).where(customers.c.id.in_(ids), customers_within(who, reach))
    return frozenset(db.execute(query).scalars())
