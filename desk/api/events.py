"""The timeline, and the stream of what happens."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from desk import timeline
from desk.api.access import Reader, reader
from desk.api.event_stream import HEARTBEAT_SECONDS, EventStream, event
from desk.api.feed import FeedFull
from desk.api.models import EntriesOut, EntryOut
from desk.api.passing import Passing
from desk.api.problems import Problem, not_found
from desk.api.room import MOST_ID, AnyId, Desk, Limit, room
from desk.api.state import ApiState
from desk.masking import mask_body, mask_growing
from desk.numbering import ticket_id_of
from desk.timeline import Entry

router = room("timeline")


@router.get("/timeline")
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
    `Last-Event-ID` (a browser sends it by itself) nothing is missed or repeated. Between them come
    events of the moment without an id (`utterance.partial`, `agent.state`, `queue.changed`), which
    are kept nowhere. A comment every 15 seconds shows that the stream lives. Scope `events:read`.
    """
    if last_event_id is not None:
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
            raise Problem(
                400, "bad-event-id", "Bad event id", "Last-Event-ID is not an event's id.",
                "Send the id of the last event, or leave the header out.",
            )  # fmt: skip
        after = int(last_event_id)

    def shown(told: Entry | Passing) -> bytes:
        if isinstance(told, Passing):
            return event(None, told.kind, orjson.dumps(passing_body(told, who.masked)))
        return event(told.seq, told.kind, EntryOut.of(told, who.masked).model_dump_json().encode())

    return open_stream(desk, after, shown)


def passing_body(told: Passing, masked: bool) -> dict[str, Any]:
    """What a client is told of an event of the moment."""
    body = dict(told.body)
    if masked:
        body = mask_body(body)
        if told.kind == "utterance.partial":
            body["text"] = mask_growing(str(told.body.get("text", "")))
    return {"kind": told.kind, "call_id": told.call_id, "body": body}


def open_stream(
    desk: ApiState, after: int | None, shown: Callable[[Entry | Passing], bytes]
) -> EventStream:
    """A stream of entries and passing events, each as the bytes that `shown` gives.

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
