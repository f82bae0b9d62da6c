"""Notices: what the asker has been told, and the stream of what is being told."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from desk import notices
from desk.access import Principal
from desk.api.access import Reader, reader
from desk.api.event_stream import event
from desk.api.events import Told, open_stream, while_allowed
from desk.api.paging import number_from_cursor, to_cursor
from desk.api.passing import Passing
from desk.api.problems import Problem
from desk.api.room import MISSING, MOST_ID, Cursor, Desk, Id, Limit, room
from desk.api.ticket_writing import no_such_ticket
from desk.api.writing import Write
from desk.masking import mask_text
from desk.notices import Inbox, Notice
from desk.notices.notices import KIND
from desk.tickets import id_of
from desk.timeline import Entry

router = room("notices")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]


class NoticeOut(BaseModel):
    """Something that the asker was told."""

    id: int
    to: str = Field(description="the asker, his team, or his role")
    kind: str = Field(
        description="assigned, reopened, handover, escalated, sla, mention, watching, watched, …"
    )
    text: str
    ticket_number: str | None
    actor: str = Field(description="whose act it tells of")
    at: datetime
    read_at: datetime | None = Field(description="when the asker read it; null: not yet")

    @classmethod
    def of(cls, notice: Notice, masked: bool) -> Self:
        """From the desk's notice."""
        return cls(
            id=notice.id,
            to=notice.to,
            kind=notice.kind,
            text=mask_text(notice.text) if masked else notice.text,
            ticket_number=notice.number,
            actor=notice.actor,
            at=notice.at,
            read_at=notice.read_at,
        )


class NoticesOut(BaseModel):
    """A page of the inbox, newest first."""

    items: list[NoticeOut]
    next: str | None = Field(description="`cursor` of the next page; null on the last one")
    unread: int = Field(description="in the whole inbox; 1000 stands for more, too")


class UnreadOut(BaseModel):
    """What is left to read."""

    unread: int


class ReadUpTo(BaseModel):
    """Which notices were seen."""

    model_config = ConfigDict(extra="forbid")

    up_to: Annotated[int, Field(ge=1, le=MOST_ID)] = Field(
        description="the id of the newest notice that was shown"
    )


def inbox_of(who: Principal) -> Inbox:
    """The asker's inbox: what reaches him by any of his names, by his team and by his role."""
    own = f"account:{who.account_id}" if who.account_id is not None else who.owner
    names = [who.actor, *sorted(who.names), who.full_name]
    return Inbox.of(own, names, who.role.value, who.team)


@router.get("/notices", responses=MISSING)
async def list_notices(
    desk: Desk,
    who: Allowed,
    unread: Annotated[bool, Query(description="only those that the asker has not read")] = False,
    ticket: Annotated[str | None, Query(max_length=30, description="a ticket's number")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> NoticesOut:
    """The asker's inbox, newest first: notices to him, his team and his role. Scope
    `tickets:read`.
    """
    ticket_id = id_of(ticket) if ticket is not None else None
    if ticket is not None and ticket_id is None:
        raise no_such_ticket(ticket)
    before = number_from_cursor(cursor)
    inbox = inbox_of(who.principal)

    def look(db: Connection) -> tuple[list[Notice], int]:
        found = notices.of_inbox(
            db, inbox, unread=unread, ticket_id=ticket_id, before=before, limit=limit + 1
        )
        return found, notices.unread(db, inbox)

    found, left = await desk.db.read(look)
    more = len(found) > limit
    return NoticesOut(
        items=[NoticeOut.of(one, who.masked) for one in found[:limit]],
        next=to_cursor(str(found[limit - 1].id)) if more else None,
        unread=left,
    )


@router.post("/notices/{notice_id}/read", responses=MISSING)
async def read_notice(desk: Desk, who: Allowed, write: Write, notice_id: Id) -> UnreadOut:
    """The asker has read it; for others of his team it stays unread. Scope `tickets:read`."""
    return await write(_left, _seen, who.principal, notices.read, notice_id, desk.now())


@router.post("/notices/read")
async def read_notices(desk: Desk, who: Allowed, write: Write, body: ReadUpTo) -> UnreadOut:
    """The asker has read all of his inbox up to this notice; what came since stays unread. Scope
    `tickets:read`.
    """
    return await write(_left, _seen, who.principal, notices.read_all, body.up_to, desk.now())


@router.get(
    "/notices/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "the stream"}},
)
async def stream_notices(
    request: Request,
    desk: Desk,
    who: Allowed,
    last_event_id: Annotated[
        str | None, Header(description="the last event received; the stream goes on after it")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=MOST_ID, description="the same for a first connection")
    ] = None,
) -> Response:
    """The asker's notices as server-sent events `notice`, as they are written. Each event's id is
    the `seq` of its timeline entry; with `Last-Event-ID` nothing is missed or repeated. Scope
    `tickets:read`.
    """
    if last_event_id is not None:
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
            raise Problem(
                400, "bad-event-id", "Bad event id", "Last-Event-ID is not an event's id.",
                "Send the id of the last event, or leave the header out.",
            )  # fmt: skip
        after = int(last_event_id)

    async def sifted(chunks: AsyncGenerator[list[Told], None]) -> AsyncGenerator[list[bytes], None]:
        async with aclosing(while_allowed(request, desk, who, chunks)) as seen:
            async for asker, chunk in seen:
                shown = _shown(inbox_of(asker.principal), asker.masked)
                told = [data for one in chunk if (data := shown(one))]
                if told or not chunk:
                    yield told

    return open_stream(desk, after, bytes, sifted)


def _seen(
    db: Connection, who: Principal, seen: Callable[..., object], notice_id: int, now: datetime
) -> int:
    """How many the asker has not read, now that he has `seen` one or all up to one."""
    inbox = inbox_of(who)
    seen(db, inbox, notice_id, now)
    return notices.unread(db, inbox)


def _left(unread: int) -> UnreadOut:
    return UnreadOut(unread=unread)


def _shown(inbox: Inbox, masked: bool) -> Callable[[Entry | Passing], bytes]:
    """What a client is sent of an entry: nothing, unless it is a notice in this inbox."""

    def shown(told: Entry | Passing) -> bytes:
        if isinstance(told, Passing) or told.kind != KIND or told.body is None:
            return b""
        body = told.body
        if not inbox.holds(str(body["to"]), told.actor):
            return b""
        notice = NoticeOut(
            id=body["notice_id"],
            to=body["to"],
            kind=body["about"],
            text=mask_text(body["text"]) if masked else body["text"],
            ticket_number=body["number"],
            actor=told.actor,
            at=told.at,
            read_at=None,
        )
        return event(told.seq, "notice", notice.model_dump_json().encode())

    return shown
