"""Tickets: one matter of one customer, opened by a call or by hand, closed by the customer's word.

What is done to a ticket: `steps` (assign, start, wait, escalate), `closing` (resolve, confirm,
override, solve_in_call, reopen), `voiding`, `merging` (merge, unmerge, split), `handovers`,
`links`, `notes`, `editing`; `lifecycle` says what is permitted.
"""

from desk.numbering import ticket_id_of, ticket_number
from desk.tickets import (
    closing,
    confirmations,
    fields,
    handovers,
    history,
    lifecycle,
    links,
    merging,
    notes,
    steps,
    voiding,
)
from desk.tickets.change import SYSTEM, By
from desk.tickets.confirmations import Given, Identity, Source
from desk.tickets.digest import Digest, add_digest
from desk.tickets.editing import edit
from desk.tickets.joining import join
from desk.tickets.look_up import by_number, id_of, search
from desk.tickets.open_cases import Cases, open_of
from desk.tickets.opening import NewTicket, open_ticket
from desk.tickets.states import STATUSES, Action, Role, Status
from desk.tickets.ticket import ACCEPTED, Ticket, describe, get

__all__ = [
    "ACCEPTED",
    "STATUSES",
    "SYSTEM",
    "Action",
    "By",
    "Cases",
    "Digest",
    "Given",
    "Identity",
    "NewTicket",
    "Role",
    "Source",
    "Status",
    "Ticket",
    "add_digest",
    "by_number",
    "closing",
    "confirmations",
    "describe",
    "edit",
    "fields",
    "get",
    "handovers",
    "history",
    "id_of",
    "join",
    "lifecycle",
    "links",
    "merging",
    "notes",
    "open_of",
    "open_ticket",
    "search",
    "steps",
    "ticket_id_of",
    "ticket_number",
    "voiding",
]
