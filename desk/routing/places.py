"""What a ticket asks of who gets it, and who knows its customer."""

from sqlalchemy import Connection, bindparam, select

from desk.db.prepared import Prepared
from desk.db.schema import calls, talks, tickets
from desk.house import House
from desk.routing.assign import Chosen, Wanted, choose
from desk.routing.decide import Book, Decision
from desk.routing.roster import AGENT, away_of, loads_of, roster_of
from desk.tickets.ticket import Ticket

MOST_KNOWN = 5

_TALKED = Prepared(
    select(talks.c.agent)
    .join(calls, calls.c.id == talks.c.call_id)
    .where(calls.c.ticket_id == bindparam("of_ticket"))
    .order_by(talks.c.started_at.desc())
    .limit(bindparam("most"))
)
_LAST_OF_CUSTOMER = Prepared(
    select(tickets.c.assignee)
    .where(
        tickets.c.customer_id == bindparam("of_customer"),
        tickets.c.id != bindparam("but"),
        tickets.c.assignee != "",
    )
    .order_by(tickets.c.id.desc())
    .limit(bindparam("most"))
)


def wanted_by(book: Book, ticket: Ticket, decision: Decision, level: int) -> Wanted:
    """What a ticket of this level asks of who gets it."""
    flow = book.flow(level)
    regions = (ticket.area_code, ticket.city, ticket.province)
    return Wanted(
        team=decision.team,
        skill=decision.skill,
        role=flow.role if flow is not None else "agent",
        regions=tuple(region for region in regions if region),
    )


def person_for(db: Connection, house: House, ticket: Ticket, wanted: Wanted) -> Chosen:
    """Who of the house gets a ticket now."""
    roster = roster_of(db, house)
    return choose(
        wanted,
        roster,
        loads_of(db, roster),
        away=away_of(db),
        known=known_to(db, ticket),
    )


def known_to(db: Connection, ticket: Ticket) -> tuple[str, ...]:
    """Who has the ticket, who talked about it, and who had the customer's last one."""
    talked = _TALKED.execute(db, {"of_ticket": ticket.id, "most": MOST_KNOWN}).fetchall()
    found = [ticket.assignee, *(f"{AGENT}{agent}" for (agent,) in talked)]
    if ticket.customer_id is not None:
        values = {"of_customer": ticket.customer_id, "but": ticket.id, "most": 1}
        found += [name for (name,) in _LAST_OF_CUSTOMER.execute(db, values).fetchall()]
    return tuple(dict.fromkeys(name for name in found if name))
