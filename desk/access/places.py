"""Where tickets lie."""

from sqlalchemy import Connection

from desk.access.roles import Place
from desk.tickets import Ticket, handovers


def place_of(db: Connection, ticket: Ticket) -> Place:
    """Where a ticket lies, and to which team it is on its way."""
    there = handovers.open_of_ticket(db, ticket.id)
    return Place(ticket.team, ticket.assignee, there.to_team if there is not None else "")
