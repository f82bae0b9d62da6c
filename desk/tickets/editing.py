"""Correcting what a ticket says: type, subject, description, labels, and whose it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from desk.db.schema import customers
from desk.errors import NoSuchCustomer
from desk.text import storable
from desk.tickets.change import By, held, write
from desk.tickets.opening import labels_of
from desk.tickets.ticket import MOST_DESCRIPTION, Ticket


def edit(
    db: Connection,
    ticket_id: int,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    type: str | None = None,  # noqa: A002 - the ticket's own word
    subject: str | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
    customer_id: int | None = None,
) -> Ticket:
    """Change what is given; `ticket.edited` says what. Nothing new changes nothing.

    Args:
        customer_id: the customer that a person has decided for; candidates are then forgotten.

    Raises:
        NoSuchTicket, VersionConflict: see `change.held`.
        NoSuchCustomer: there is none with this id.
    """
    ticket = held(db, ticket_id, by, expected_version)
    wanted: dict[str, Any] = {}
    if type is not None:
        wanted["type"] = storable(type, 60)
    if subject is not None:
        wanted["subject"] = storable(subject, 300)
    if description is not None:
        wanted["description"] = storable(description, MOST_DESCRIPTION)
    if labels is not None:
        wanted["labels"] = labels_of(tuple(labels))
    if customer_id is not None:
        if db.execute(select(customers.c.id).where(customers.c.id == customer_id)).first() is None:
            raise NoSuchCustomer(customer_id)
        wanted |= {"customer_id": customer_id, "candidate_customer_ids": ()}
    new = {name: value for name, value in wanted.items() if value != getattr(ticket, name)}
    if not new:
        return ticket
    return write(db, ticket, now, by, kind="ticket.edited", values=new, body=new)
