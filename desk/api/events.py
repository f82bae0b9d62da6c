"""The timeline, and the stream of what happens."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from desk import timeline
from desk.access import Principal, Reach
from desk.access.sight import Sight, sight_of
from desk.access.within import entries_within
from desk.api.access import Reader, allowed, operation_of, reader, still
from desk.api.answering import reveal
from desk.api.event_stream import HEARTBEAT_SECONDS, EventStream, event
from desk.api.feed import FeedFull
from desk.api.models import EntriesOut, EntryOut
from desk.api.passing import Passing
from desk.api.problems import Problem, not_found
from desk.api.room import MISSING, MOST_ID, AnyId, Desk, Limit, room
from desk.api.state import ApiState
from desk.masking import mask_body, mask_growing
from desk.numbering import ticket_id_of
from desk.timeline import Entry

router = room("timeline")

ASKED_EVERY = timedelta(seconds=30)
Told = Entry | Passing


@router.get("/timeline", responses=MISSING)
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
    named: dict[str, Any] = {"call_id": call_id, "ticket_id": ticket_id, "customer_id": customer_id}
    if who.reach is Reach.OTHER:
        found = await desk.db.read(timeline.entries_after, after, limit, **named)
    else:
        within = entries_within(who.principal, who.reach)
        found = await desk.db.read(timeline.entries_within, after, limit, within, **named)
    clear = await _sight(desk, who.principal, who.clear, found)
    return EntriesOut(
        items=[EntryOut.of(entry, not clear.covers(*_about(entry))) for entry in found],
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
    return open_stream(
        desk, after, bytes, lambda chunks: _sifted(desk, while_allowed(request, desk, who, chunks))
    )


async def while_allowed(
    request: Request, desk: ApiState, who: Reader, chunks: AsyncGenerator[list[Told], None]
) -> AsyncGenerator[tuple[Reader, list[Told]], None]:
    """The chunks, with who the asker is by then. Every half minute it is asked again whether he
    may: a revoked token or another role ends what it no longer allows. Whoever sees numbers in full
    is on the record.
    """
    asked_at = desk.now()
    async with aclosing(chunks):
        async for chunk in chunks:
            if desk.now() - asked_at >= ASKED_EVERY:
                principal = await still(desk, who.principal, request)
                if principal is None:
                    return
                who, asked_at = allowed(operation_of(request), principal), desk.now()
            if who.principal.unmasked:
                await reveal(request, who, operation_of(request), request.url.path, [])
            yield who, chunk


async def _sifted(
    desk: ApiState, seen: AsyncGenerator[tuple[Reader, list[Told]], None]
) -> AsyncGenerator[list[bytes], None]:
    """What the asker may see of it, masked where he may not see it in full."""
    async with aclosing(seen):
        async for who, chunk in seen:
            told = await _told(desk, who, chunk) if chunk else []
            if told or not chunk:
                yield told


async def _told(desk: ApiState, who: Reader, chunk: list[Told]) -> list[bytes]:
    seen = await _sight(desk, who.principal, who.reach, chunk)
    clear = await _sight(desk, who.principal, who.clear, chunk)
    told = [
        _event(one, not clear.covers(*_about(one)))
        for one in chunk
        if seen.has(one.kind, *_about(one))
    ]
    last = chunk[-1]
    if isinstance(last, Entry) and not seen.has(last.kind, *_about(last)):
        told.append(f"id: {last.seq}\n\n".encode())  # it need not be looked at again
    return told


def _event(told: Told, masked: bool) -> bytes:
    if isinstance(told, Passing):
        return event(None, told.kind, orjson.dumps(passing_body(told, masked)))
    return event(told.seq, told.kind, EntryOut.of(told, masked).model_dump_json().encode())


async def _sight(desk: ApiState, who: Principal, reach: Reach, chunk: Sequence[Told]) -> Sight:
    entries = [one for one in chunk if isinstance(one, Entry)]
    ticket_ids = {one.ticket_id for one in entries if one.ticket_id is not None}
    call_ids = {one.call_id for one in chunk if one.call_id is not None}
    if reach in (Reach.OTHER, Reach.NONE):
        return Sight(reach, frozenset(), frozenset())
    return await desk.db.read(sight_of, who, reach, ticket_ids, call_ids)


def _about(told: Told) -> tuple[int | None, str | None]:
    return (told.ticket_id if isinstance(told, Entry) else None), told.call_id


def passing_body(told: Passing, masked: bool) -> dict[str, Any]:
    """What a client is told of an event of the moment."""
    body = dict(told.body)
    if masked:
        body = mask_body(body)
        if told.kind == "utterance.partial":
            body["text"] = mask_growing(str(told.body.get("text", "")))
    return {"kind": told.kind, "call_id": told.call_id, "body": body}


def open_stream(
    desk: ApiState,
    after: int | None,
    shown: Callable[[Any], bytes],
    sifted: Callable[[AsyncGenerator[list[Told], None]], AsyncGenerator[list[Any], None]]
    | None = None,
) -> EventStream:
    """A stream of entries and passing events, each as the bytes that `shown` gives; before that,
    `sifted` may leave out some and make others of the rest.

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
    entries: AsyncGenerator[list[Any], None] = desk.feed.entries(after, HEARTBEAT_SECONDS)
    return EventStream(entries if sifted is None else sifted(entries), shown, place)
