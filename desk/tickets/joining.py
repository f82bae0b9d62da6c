"""A further call about the matter of a ticket: it belongs to that ticket and opens none."""

from datetime import datetime

from sqlalchemy import Connection

from desk.errors import CallHasTicket
from desk.numbering import ticket_number
from desk.tickets.digest import gather
from desk.tickets.of_call import call_for_change, link, told_in
from desk.tickets.survivors import survivor_for_change
from desk.tickets.ticket import Ticket, describe, for_change
from desk.timeline import append


def join(
    db: Connection, call_id: str, ticket_id: int, now: datetime, *, actor: str = "system"
) -> Ticket:
    """Let a call belong to a ticket, or to the survivor of a merged one; `ticket.joined`.
    From then on `open_ticket` for this call returns that ticket. What the call's messages and its
    digest say goes into it. Again: the same.

    Raises:
        NoSuchCall: the call is not in the journal.
        NoSuchTicket: there is none with this id.
        CallHasTicket: the call belongs to another ticket.
    """
    call = call_for_change(db, call_id)
    if call.ticket_id == ticket_id:
        return for_change(db, ticket_id)
    ticket = survivor_for_change(db, ticket_id)
    ticket_id = ticket.id
    if call.ticket_id == ticket_id:
        return ticket
    if call.ticket_id is not None:
        raise CallHasTicket(call_id, call.ticket_id)
    link(db, call_id, ticket_id)
    append(
        db,
        kind="ticket.joined",
        body={
            "number": ticket_number(ticket_id),
            "direction": call.direction,
            "labels": ticket.labels,
            "description": ticket.description,
            "version": ticket.version,
        },
        now=now,
        call_id=call_id,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
    told = told_in(db, call_id)
    if told:
        told = f"{ticket.description}\n{told}" if ticket.description else told
        ticket = describe(db, ticket_id, told, now, actor=actor)
    return gather(db, ticket, now) if call.digest else ticket
