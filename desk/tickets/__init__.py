"""Tickets: one matter of one customer, opened by a call or by hand."""

from desk.numbering import ticket_id_of, ticket_number
from desk.tickets.digest import Digest, add_digest
from desk.tickets.joining import join
from desk.tickets.look_up import by_number, search
from desk.tickets.opening import NewTicket, open_ticket
from desk.tickets.ticket import ACCEPTED, STATUSES, Ticket, describe, get

__all__ = [
    "ACCEPTED",
    "STATUSES",
    "Digest",
    "NewTicket",
    "Ticket",
    "add_digest",
    "by_number",
    "describe",
    "get",
    "join",
    "open_ticket",
    "search",
    "ticket_id_of",
    "ticket_number",
]
