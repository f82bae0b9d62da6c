"""Attachments: files on a ticket, taken in piece by piece and given away only to be saved."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self
from urllib.parse import quote

import structlog
from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from desk.api.problems import ProblemDetails
from desk.api.room import MISSING, Id, described, room
from desk.api.ticket_writing import ADD_ERRORS, Adding, Change, OneTicket, Readable, readable
from desk.api.uploads import Places, away, come, named, places_of, shelf_of, told, too_large
from desk.api.writing import Write
from desk.masking import mask_text
from desk.recordings.errors import StoreError
from desk.recordings.open_file import OpenFile
from desk.teamwork import attachments
from desk.teamwork.attachments import Attachment, NewAttachment
from desk.teamwork.shelf import Shelf
from desk.tickets import By

log = structlog.get_logger()

SCOPE = "attachments:read"
MOST_NAME = 200
_TAKEN = described(
    {
        404: "no such ticket",
        408: "the file did not come in time",
        409: "the ticket takes no more files",
        413: "the file is too large",
        422: "its content is not taken, or not what it is called",
        503: "no place for a file at present; try again after `Retry-After` seconds",
    }
)
_GIVEN: dict[int | str, dict[str, Any]] = {
    **MISSING,
    200: {"content": {"application/octet-stream": {}}, "description": "the file"},
    500: {"model": ProblemDetails, "description": "the file is lost, damaged, or lacks its key"},
}

router = room("attachments")


class AttachmentOut(BaseModel):
    """A file on a ticket."""

    id: int
    name: str = Field(description="as its sender called it")
    type: str = Field(description="told by its content")
    bytes: int
    sha256: str
    actor: str
    at: datetime
    content: str = Field(description="path of the file")

    @classmethod
    def of(cls, found: Attachment, number: str, masked: bool) -> Self:
        """From the desk's attachment."""
        return cls(
            id=found.id,
            name=mask_text(found.name) if masked else found.name,
            type=found.type,
            bytes=found.bytes,
            sha256=found.sha256,
            actor=found.actor,
            at=found.at,
            content=f"/api/v1/tickets/{number}/attachments/{found.id}/content",
        )


class AttachmentsOut(BaseModel):
    """The files of a ticket, oldest first."""

    items: list[AttachmentOut]


Files = Annotated[Shelf, Depends(shelf_of)]
AttachmentReadable = Annotated[OneTicket, Depends(readable(SCOPE))]


@router.get("/tickets/{number}/attachments", responses=MISSING)
async def list_attachments(one: Readable) -> AttachmentsOut:
    """The files of a ticket. Scope `tickets:read`."""
    return _listed(one, await one.desk.db.read(attachments.of_ticket, one.ticket.id))


@router.post(
    "/tickets/{number}/attachments",
    status_code=201,
    responses={
        200: {"model": AttachmentOut, "description": "the ticket has this file already"},
        **_TAKEN,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def attach(
    change: Adding,
    files: Files,
    places: Annotated[Places, Depends(places_of)],
    write: Write,
    request: Request,
    name: Annotated[
        str, Query(min_length=1, max_length=MOST_NAME, description="the file's name, like 照片.jpg")
    ],
    content_type: Annotated[str, Header(max_length=200, description="what the file is")] = "",
) -> AttachmentOut:
    """Attach a file: the body is the file itself, Content-Type what it is. What it really is, is
    told by its content; the two and the name must agree. The ticket's version stays. Scope
    `tickets:write`.
    """
    settings = files.settings
    announced = request.headers.get("content-length", "")
    more = int(announced) if announced.isascii() and announced.isdigit() else 0
    if more > settings.most_bytes:
        raise too_large(settings.most_mib)
    await change.desk.db.read(attachments.check_room, change.ticket_id, more, settings)
    fresh = False

    def tell(made: tuple[Attachment, bool]) -> AttachmentOut:
        nonlocal fresh
        found, fresh = made
        out = AttachmentOut.of(found, change.ticket.number, change.masked)
        write.response.status_code = 201 if fresh else 200
        write.response.headers["Location"] = out.content
        return out

    with places.taken(), told():
        kept, kind = await come(files, request, named(name), content_type)
        try:
            await write.begin_with(change.who, f"{content_type}\n{kept.sha256}".encode())
            new = NewAttachment(
                kept.path.rpartition("/")[2], named(name), kind.type, kept.bytes, kept.sha256,
                kept.encrypted,
            )  # fmt: skip
            out = await change.write(tell, attachments.add, new, settings=settings)
        except BaseException:
            await away(files, kept)
            raise
        if not fresh:
            await away(files, kept)
    return out


@router.get(
    "/tickets/{number}/attachments/{attachment_id}/content",
    response_class=Response,
    responses=_GIVEN,
)
async def get_content(one: AttachmentReadable, files: Files, attachment_id: Id) -> Response:
    """The file, to be saved and not to be shown. Who read it goes to the timeline, as
    `attachment.accessed`. Scope `attachments:read`.
    """
    found = await one.desk.db.read(attachments.find, one.ticket.id, attachment_id)
    with told():
        file = await asyncio.to_thread(files.open, found)
    try:
        with told():
            blocks = file.blocks()
            first = await asyncio.to_thread(next, blocks, b"")
        await one.desk.db.write(
            attachments.accessed, one.ticket.id, found.id, one.desk.now(), actor=one.who.actor
        )
    except BaseException:
        file.close()
        raise
    return _Given(file, first, blocks, _headers(found))


@router.delete("/tickets/{number}/attachments/{attachment_id}", responses=ADD_ERRORS)
async def delete_attachment(change: Adding, files: Files, attachment_id: Id) -> AttachmentsOut:
    """Take a file off the ticket and delete it. Scope `tickets:write`."""
    gone: list[Attachment] = []

    def delete(db: Connection, ticket_id: int, now: datetime, *, by: By) -> list[Attachment]:
        gone[:] = [attachments.delete(db, ticket_id, attachment_id, now, by=by)]
        return attachments.of_ticket(db, ticket_id)

    left = await change.write(partial(_listed, change), delete)
    try:
        await asyncio.to_thread(files.delete, gone[0])
    except StoreError as error:  # the row is gone, and the sweep deletes what is left
        log.warning("attachment not deleted yet", attachment=gone[0].id, error=str(error))
    return left


def _listed(of: OneTicket | Change, found: list[Attachment]) -> AttachmentsOut:
    return AttachmentsOut(
        items=[AttachmentOut.of(each, of.ticket.number, of.masked) for each in found]
    )


class _Given(StreamingResponse):
    """Sends blocks of an open file and closes it, whatever happens."""

    def __init__(
        self, file: OpenFile, first: bytes, blocks: Iterator[bytes], headers: dict[str, str]
    ) -> None:
        super().__init__(_sent(first, blocks), 200, headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _sent(block: bytes, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while block:
        yield block
        block = await asyncio.to_thread(next, blocks, b"")


def _headers(found: Attachment) -> dict[str, str]:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", found.name)
    return {
        "Cache-Control": "private, no-store",  # each reading is on the record
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''"
        + quote(found.name, safe=""),
        "Content-Length": str(found.bytes),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": found.type,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
