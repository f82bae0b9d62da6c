"""Tickets."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import Connection

from desk import customers, journal, tickets
from desk.api import ticket_bodies as take
from desk.api.access import Reader, reader
from desk.api.paging import Page
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.ticket_models import ConfirmationOut, StepOut, TicketOut
from desk.api.ticket_search import Allowed, Search
from desk.api.ticket_sorting import page_of
from desk.api.ticket_writing import CHANGE_ERRORS, Changing, Readable, by, shown
from desk.api.writing import Write
from desk.errors import NoSuchCall, NoSuchCustomer
from desk.region import locate
from desk.tickets import NewTicket, Ticket
from desk.tickets.history import of_ticket as history_of
from desk.tickets.sorting import Sort

router = room("tickets")

Writer = Annotated[Reader, Depends(reader("tickets:write"))]


class HistoryOut(BaseModel):
    """The steps of a ticket, its opening first."""

    items: list[StepOut]


class ConfirmationsOut(BaseModel):
    """What was answered about a ticket, oldest first."""

    items: list[ConfirmationOut]


@router.get("/tickets")
async def list_tickets(
    desk: Desk,
    who: Allowed,
    search: Search,
    sort: Annotated[
        Sort, Query(description="updated: changed last first; due: to be solved soonest first")
    ] = "newest",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TicketOut]:
    """Tickets that meet every condition, newest first or in another order. Who sees numbers masked
    finds nothing by their hidden digits. Scope `tickets:read`.
    """
    found, following = await desk.db.read(page_of, search, limit, sort, cursor)
    return Page[TicketOut](
        items=[TicketOut.of(each, who.masks(each)) for each in found], next=following
    )


@router.post(
    "/tickets",
    status_code=201,
    responses={
        200: {"model": TicketOut, "description": "the ticket that the call has already"},
        **described({404: "no such call or customer"}),
    },
)
async def open_ticket(desk: Desk, who: Writer, write: Write, body: take.Open) -> TicketOut:
    """Open a ticket by hand, or for a call, which has one at most. Scope `tickets:write`."""

    def tell(made: tuple[Ticket, bool]) -> TicketOut:
        ticket, fresh = made
        write.response.status_code = 201 if fresh else 200
        write.response.headers["Location"] = f"/api/v1/tickets/{ticket.number}"
        return shown(ticket, who, write.response)

    new = NewTicket(
        body.type,
        body.subject,
        body.description,
        call_id=body.call_id,
        caller=locate(body.number) if body.number else None,
        customer_ids=(body.customer_id,) if body.customer_id is not None else (),
        labels=tuple(body.labels),
    )
    return await write(tell, _open, new, desk.now(), by(who).actor)


@router.get("/tickets/{number}", responses=MISSING)
async def get_ticket(one: Readable) -> TicketOut:
    """One ticket by its number; the ETag is its version. Scope `tickets:read`."""
    return one.shown()


@router.patch("/tickets/{number}", responses=CHANGE_ERRORS)
async def edit_ticket(change: Changing, body: take.Edit) -> TicketOut:
    """Correct what a ticket says, or whose it is. Scope `tickets:write`."""
    return await change.run(
        tickets.edit,
        type=body.type,
        subject=body.subject,
        description=body.description,
        labels=body.labels,
        customer_id=body.customer_id,
    )


@router.get("/tickets/{number}/history", responses=MISSING)
async def get_history(one: Readable) -> HistoryOut:
    """The steps that a ticket has taken. Scope `tickets:read`."""
    found = await one.desk.db.read(history_of, one.ticket.id)
    return HistoryOut(items=[StepOut.of(step) for step in found])


@router.get("/tickets/{number}/confirmations", responses=MISSING)
async def get_confirmations(one: Readable) -> ConfirmationsOut:
    """What customers answered about a ticket, and supervisors' overrides. Scope `tickets:read`."""
    found = await one.desk.db.read(tickets.confirmations.of_ticket, one.ticket.id)
    return ConfirmationsOut(items=[ConfirmationOut.of(each, one.masked) for each in found])


def _open(db: Connection, new: NewTicket, now: datetime, actor: str) -> tuple[Ticket, bool]:
    """The ticket, and whether it was opened now."""
    for customer_id in new.customer_ids:
        if customers.get(db, customer_id) is None:
            raise NoSuchCustomer(customer_id)
    fresh = True
    if new.call_id is not None:
        call = journal.get(db, new.call_id)
        if call is None:
            raise NoSuchCall(new.call_id)
        fresh = call.ticket_id is None
    return tickets.open_ticket(db, new, now, actor=actor), fresh
