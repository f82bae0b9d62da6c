"""Whom a ticket's customer is reached by, and who of us is told."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from desk import customers
from desk.db.schema.outbound import outbound_mobiles
from desk.notices import BadAddress, address
from desk.outbound import marks, numbers
from desk.outbound.numbers import Identity
from desk.outbound.settings import OutboundSettings
from desk.region import Caller, locate
from desk.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Reach:
    """How a customer can be reached.

    Attributes:
        caller, number: the number to call and how it is dialled; None and `""`: none.
        identity: how who answers there must say who it is.
        mobile: where an SMS can go; None: no mobile is known, or whose it is is not certain.
        knows_mobile: a mobile is known at all.
        unwanted: the customer does not want calls.
    """

    caller: Caller | None
    number: str
    identity: Identity
    mobile: Caller | None
    knows_mobile: bool
    unwanted: bool


def reach(db: Connection, ticket: Ticket, policy: OutboundSettings) -> Reach:
    """How the customer of a ticket can be reached: at the case's own number, else at one that the
    customer's record has.
    """
    known = known_numbers(db, ticket)
    mobile = numbers.mobile_of(known)
    if mobile is not None and identity_at(db, ticket, mobile, policy) != "pressed":
        mobile = None
    chosen = numbers.choose(known, policy.limits)
    if chosen is None:
        return Reach(None, "", "ticket_number", mobile, mobile is not None, False)
    caller, number = chosen
    return Reach(
        caller=caller,
        number=number,
        identity=identity_at(db, ticket, caller, policy),
        mobile=mobile,
        knows_mobile=any(each.kind == "mobile" for each in known),
        unwanted=marks.DO_NOT_CALL in marks.of_number(db, caller.e164),
    )


def known_numbers(db: Connection, ticket: Ticket) -> list[Caller]:
    """The case's own number first, then those of its customer, and the mobile that its handler was
    given.
    """
    known = [ticket.caller] if ticket.caller.e164 else []
    customer = customers.get(db, ticket.customer_id) if ticket.customer_id is not None else None
    given = select(outbound_mobiles.c.e164).where(outbound_mobiles.c.ticket_id == ticket.id)
    more = customer.numbers if customer is not None else ()
    for e164 in (*more, *db.execute(given).scalars()):
        if e164 and all(e164 != each.e164 for each in known):
            known.append(locate(e164))
    return known


def identity_at(
    db: Connection, ticket: Ticket, caller: Caller, policy: OutboundSettings
) -> Identity:
    """How who answers at a number must say who it is."""
    return numbers.identity_for(
        caller,
        withheld=not ticket.caller.e164,
        owners=max(
            len(customers.find_by_number(db, caller.e164)), len(ticket.candidate_customer_ids)
        ),
        marks=marks.of_number(db, caller.e164),
        virtual_prefixes=policy.virtual_prefixes,
    )


def in_charge(ticket: Ticket) -> str:
    """The inbox of who looks after a ticket: its assignee's, else the team's lead, else any
    supervisor.
    """
    for candidate in (ticket.assignee, f"role:lead@{ticket.team}" if ticket.team else ""):
        try:
            return address(candidate)
        except BadAddress:
            continue
    return "role:supervisor"
