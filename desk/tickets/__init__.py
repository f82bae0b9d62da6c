"""Tickets: one matter of one customer, opened by a call or by hand."""

from desk.numbering import ticket_id_of, ticket_number
from desk.tickets.look_up import by_number, get, search
from desk.tickets.opening import NewTicket, open_ticket
from desk.tickets.ticket import ACCEPTED, STATUSES, Ticket, describe

__all__ = [
    "ACCEPTED",
    "STATUSES",
    "NewTicket",
    "Ticket",
    "by_number",
    "describe",
    "get",
    "open_ticket",
    "search",
    "ticket_id_of",
    "ticket_number",
]
