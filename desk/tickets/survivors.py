"""Which tickets are one by mergers."""

from sqlalchemy import Connection, select

from desk.db.schema import tickets
from desk.tickets.states import Status
from desk.tickets.ticket import Ticket, for_change


def survivor_for_change(db: Connection, ticket_id: int) -> Ticket:
    """The ticket itself or, where it was merged, the one that survived in the end; nobody else
    changes it until this unit is over.

    Raises:
        NoSuchTicket: there is none with this id.
    """
    while True:
        ticket = for_change(db, ticket_id)
        if ticket.status != Status.MERGED or ticket.survivor_id is None:
            return ticket
        ticket_id = ticket.survivor_id


def survivor_of(db: Connection, ticket_id: int) -> int:
    """The id of the ticket that survived in the end; its own where it was not merged."""
    while True:
        row = db.execute(
            select(tickets.c.survivor_id).where(
                tickets.c.id == ticket_id, tickets.c.status == Status.MERGED.value
            )
        ).first()
        if row is None:
            return ticket_id
        ticket_id = row.survivor_id


def family(db: Connection, ticket_id: int) -> list[int]:
    """A ticket and all that were merged into it, directly or not, by id."""
    found, newest = {ticket_id}, [ticket_id]
    while newest:
        rows = db.execute(
            select(tickets.c.id).where(
                tickets.c.survivor_id.in_(newest), tickets.c.status == Status.MERGED.value
            )
        )
        newest = [row.id for row in rows if row.id not in found]
        found.update(newest)
    return sorted(found)
