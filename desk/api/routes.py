"""Reading calls, tickets, customers and the timeline over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from starlette.responses import Response

from desk import customers, journal, recordings, tickets, timeline
from desk.api.access import Reader, reader, storable_request
from desk.api.event_stream import HEARTBEAT_SECONDS, EventStream, event
from desk.api.feed import FeedFull
from desk.api.models import (
    CallDetail,
    CallOut,
    CustomerOut,
    EntriesOut,
    EntryOut,
    Page,
    RecordingOut,
    TicketOut,
    from_cursor,
    number_from_cursor,
)
from desk.api.problems import Problem, ProblemDetails, not_found
from desk.api.state import ApiState, state_of
from desk.numbering import ticket_id_of
from desk.region import locate

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": what}
    for status, what in {
        401: "no valid token",
        403: "the token lacks the scope",
        422: "a parameter is wrong",
        503: "not possible at present; try again after `Retry-After` seconds",
    }.items()
}
_MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemDetails, "description": "there is none"}
}
MOST_ID = 2**62  # what both databases hold

router = APIRouter(prefix="/api/v1", responses=_ERRORS, dependencies=[Depends(storable_request)])

Desk = Annotated[ApiState, Depends(state_of)]
Limit = Annotated[int, Query(ge=1, le=100, description="results on a page")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before")]
Number = Annotated[
    str | None,
    Query(max_length=40, description="a telephone number in any form that a caller id has"),
]
Id = Annotated[int, Path(ge=1, le=MOST_ID)]
AnyId = Annotated[int | None, Query(ge=1, le=MOST_ID)]
Text = Annotated[str | None, Query(min_length=1, max_length=100)]


@router.get("/calls", tags=["calls"])
async def list_calls(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("calls:read"))],
    live: Annotated[bool | None, Query(description="only live, or only past calls")] = None,
    number: Number = None,
    area_code: Annotated[str | None, Query(max_length=10)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallOut]:
    """Calls live and past, newest first. Scope `calls:read`."""
    found = await desk.db.read(
        journal.search,
        live=live,
        e164=_e164(number),
        area_code=area_code,
        limit=limit + 1,
        before=from_cursor(cursor),
    )
    return Page[CallOut].of(found, limit, lambda c: c.id, lambda c: CallOut.of(c, who.masked))


@router.get("/calls/{call_id}", tags=["calls"], responses=_MISSING)
async def get_call(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("calls:read"))],
    call_id: Annotated[str, Path(max_length=150)],
) -> CallDetail:
    """One call with its recordings and what was recognised in them. Scope `calls:read`."""
    call = await desk.db.read(journal.get, call_id)
    if call is None:
        raise not_found(f"call {call_id!r}", "GET /api/v1/calls lists the calls.")
    heard = [
        RecordingOut.of(
            recording, await desk.db.read(recordings.transcript_of, recording.id), who.masked
        )
        for recording in await desk.db.read(recordings.of_call, call_id)
    ]
    return CallDetail(**CallOut.of(call, who.masked).model_dump(), recordings=heard)


@router.get("/tickets", tags=["tickets"])
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
        e164=_e164(number),
        text=text,
        limit=limit + 1,
        before=number_from_cursor(cursor),
    )
    return Page[TicketOut].of(found, limit, lambda t: t.id, lambda t: TicketOut.of(t, who.masked))


@router.get("/tickets/{number}", tags=["tickets"], responses=_MISSING)
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


@router.get("/customers", tags=["customers"])
async def list_customers(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("customers:read"))],
    number: Number = None,
    text: Text = None,
    level: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CustomerOut]:
    """Customers: all who have a number, or by name, company, external id or level. Scope
    `customers:read`.
    """
    if number is not None:
        same = await desk.db.read(customers.find_by_number, _e164(number) or "")
        return Page[CustomerOut](items=[CustomerOut.of(c, who.masked) for c in same], next=None)
    found = await desk.db.read(
        customers.search,
        text=text,
        level=level,
        limit=limit + 1,
        before=number_from_cursor(cursor),
    )
    return Page[CustomerOut].of(
        found, limit, lambda c: c.id, lambda c: CustomerOut.of(c, who.masked)
    )


@router.get("/customers/{customer_id}", tags=["customers"], responses=_MISSING)
async def get_customer(
    desk: Desk, who: Annotated[Reader, Depends(reader("customers:read"))], customer_id: Id
) -> CustomerOut:
    """One customer. Scope `customers:read`."""
    customer = await desk.db.read(customers.get, customer_id)
    if customer is None:
        raise not_found(f"customer {customer_id}", "GET /api/v1/customers finds customers.")
    return CustomerOut.of(customer, who.masked)


@router.get("/timeline", tags=["timeline"])
async def read_timeline(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("events:read"))],
    after: Annotated[int, Query(ge=0, le=MOST_ID, description="entries after this one")] = 0,
    call_id: Annotated[str | None, Query(max_length=150)] = None,
    ticket: Annotated[str | None, Query(max_length=30, description="a ticket's number")] = None,
    customer_id: AnyId = None,
    limit: Limit = 50,
) -> EntriesOut:
    """The history, oldest first: of everything, or of one call, ticket or customer. Scope
    `events:read`.
    """
    ticket_id = ticket_id_of(ticket) if ticket is not None else None
    if ticket is not None and ticket_id is None:
        raise not_found(f"ticket {ticket!r}", "A digit may be wrong: the last one checks the rest.")
    found = await desk.db.read(
        timeline.entries_after,
        after,
        limit,
        call_id=call_id,
        ticket_id=ticket_id,
        customer_id=customer_id,
    )
    return EntriesOut(
        items=[EntryOut.of(entry, who.masked) for entry in found],
        last=found[-1].seq if found else after,
    )


@router.get(
    "/events",
    tags=["timeline"],
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "the stream"}},
)
async def stream_events(
    request: Request,
    desk: Desk,
    who: Annotated[Reader, Depends(reader("events:read"))],
    last_event_id: Annotated[
        str | None, Header(description="the last event received; the stream goes on after it")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=MOST_ID, description="the same for a first connection")
    ] = None,
) -> Response:
    """The timeline as server-sent events, as it grows. Each event's id is the entry's `seq`; with
    `Last-Event-ID` (a browser sends it by itself) nothing is missed or repeated. A comment every
    15 seconds shows that the stream lives. Scope `events:read`.
    """
    if last_event_id is not None:
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
            raise Problem(
                400, "bad-event-id", "Bad event id", "Last-Event-ID is not an event's id.",
                "Send the id of the last event, or leave the header out.",
            )  # fmt: skip
        after = int(last_event_id)
    return open_stream(
        desk,
        after,
        lambda entry: event(
            entry.seq, entry.kind, EntryOut.of(entry, who.masked).model_dump_json().encode()
        ),
    )


def open_stream(desk: ApiState, after: int | None, shown: Any) -> EventStream:
    """A stream of entries, each as the bytes that `shown(entry)` gives.

    Raises:
        Problem: all places are taken.
    """
    place = desk.feed.place()
    try:
        place.__enter__()
    except FeedFull as error:
        raise Problem(
            503,
            "stream-full",
            "Too many clients",
            f"{desk.settings.stream_clients} clients listen to the event stream already.",
            "Close one, or raise api.stream_clients in config.yaml.",
            headers={"Retry-After": "10"},
        ) from error
    return EventStream(desk.feed.entries(after, HEARTBEAT_SECONDS), shown, place)


def _e164(number: str | None) -> str | None:
    """A number as it is stored; what is none stays as it is, and finds nothing."""
    if number is None:
        return None
    return locate(number).e164 or number


__all__ = ["open_stream", "router"]
