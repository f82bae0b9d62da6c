"""Writing to the customer of a ticket: to whom, in which words, once."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from desk.customers import get as get_customer
from desk.db.schema.outbound import outbound_marks as marks
from desk.errors import NoSuchTicket
from desk.messages.message import Asks, Channel, NewMessage
from desk.messages.put import is_mobile, put
from desk.messages.templates import Templates
from desk.tickets.states import STATUSES
from desk.tickets.ticket import Ticket
from desk.tickets.ticket import get as get_ticket

_NOT_ONE_PERSONS = ("shared", "recycled")
"""Marks of numbers at which somebody else may read what is written (desk/outbound/marks.py)."""


def tell(
    db: Connection,
    templates: Templates,
    template: str,
    ticket_id: int,
    key: str,
    now: datetime,
    *,
    channel: Channel = Channel.SMS,
    to: str | None = None,
    fields: Mapping[str, str] | None = None,
    link: str = "",
    asks: Asks = Asks.NOTHING,
    only_while: str = "",
    not_before: datetime | None = None,
    actor: str = "system",
    by_hand: bool = False,
) -> int | None:
    """Write to a ticket's customer; see `NewMessage` for the rest.

    Args:
        to: a number or an address; None: the customer's, see `address_of`.
        fields: what the template shows besides what is known of the ticket.
        link: shown as `link`; only the customer will have read it.

    Returns:
        the message's id; None: it was written before (the key is there).

    Raises:
        NoSuchTicket, NoSuchTemplate: there is none.
    """
    ticket = get_ticket(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    recipient = address_of(db, ticket, channel) if to is None else to
    shown = {**fields_of(db, ticket), **(fields or {}), "link": link}
    words = templates.text(template, channel, shown, templates.language(channel, recipient))
    return put(
        db,
        NewMessage(
            channel=channel.value,
            to=recipient,
            template=template,
            subject=words.subject,
            text=words.text,
            fields=words.fields,
            secret=link if link in words.text else "",
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            key=key,
            asks=asks.value,
            only_while=only_while,
            not_before=not_before,
            actor=actor,
            by_hand=by_hand,
        ),
        now,
    )


def address_of(db: Connection, ticket: Ticket, channel: Channel) -> str:
    """Where a ticket's customer can be written to: the caller's mobile, else the customer's first
    that is nobody else's; the customer's e-mail address. `""`: nothing is known."""
    customer = get_customer(db, ticket.customer_id) if ticket.customer_id is not None else None
    if channel is Channel.EMAIL:
        return customer.email if customer is not None else ""
    known = (ticket.caller.e164, *(customer.numbers if customer is not None else ()))
    own = (number for number in known if is_mobile(number) and not _is_shared(db, number))
    return next(own, "")


def _is_shared(db: Connection, number: str) -> bool:
    mark = select(marks.c.mark).where(marks.c.e164 == number, marks.c.mark.in_(_NOT_ONE_PERSONS))
    return db.execute(mark.limit(1)).first() is not None


def fields_of(db: Connection, ticket: Ticket) -> dict[str, str]:
    """What templates may show of a ticket."""
    customer = get_customer(db, ticket.customer_id) if ticket.customer_id is not None else None
    return {
        "customer": customer.name if customer is not None else "",
        "number": ticket.number,
        "subject": ticket.subject,
        "solution": ticket.solution,
        "status": STATUSES.get(ticket.status, ticket.status),
        "team": ticket.team,
    }
