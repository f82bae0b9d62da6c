"""Tickets."""

from typing import Annotated

from fastapi import Depends, Path, Query

from desk import tickets
from desk.api.access import Reader, reader
from desk.api.models import TicketOut
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import not_found
from desk.api.room import MISSING, AnyId, Cursor, Desk, Limit, Number, Text, e164, room

router = room("tickets")


@router.get("/tickets")
async def list_tickets(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("tickets:read"))],
    status: Annotated[str | None, Query(max_length=30)] = None,
    type: Annotated[str | None, Query(max_length=60)] = None,  # noqa: A002 - the parameter's name
    customer_id: AnyId = None,
    region: Annotated[
        str | None, Query(max_length=40, description="an area code, a province or a city")
    ] = None,
    number: Number = None,
    text: Text = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TicketOut]:
    """Tickets that meet every condition, newest first. Scope `tickets:read`."""
    found = await desk.db.read(
        tickets.search,
        status=status,
        type=type,
        customer_id=customer_id,
        region=region,
        e164=e164(number),
        text=text,
        limit=limit + 1,
        before=number_from_cursor(cursor),
    )
    return Page[TicketOut].of(found, limit, lambda t: t.id, lambda t: TicketOut.of(t, who.masked))


@router.get("/tickets/{number}", responses=MISSING)
async def get_ticket(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("tickets:read"))],
    number: Annotated[str, Path(max_length=30, description="the ticket's number")],
) -> TicketOut:
    """One ticket by its number. Scope `tickets:read`."""
    ticket = await desk.db.read(tickets.by_number, number)
    if ticket is None:
        raise not_found(f"ticket {number!r}", "A digit may be wrong: the last one checks the rest.")
    return TicketOut.of(ticket, who.masked)
