"""Tickets as a file: CSV for a spreadsheet, or a JSON object a line."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Literal

import orjson
import structlog
from fastapi import Query, Request
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from desk.api.access import Reader, operation_of
from desk.api.answering import reveal
from desk.api.revealing import numbers_in
from desk.api.room import Desk, room
from desk.api.ticket_models import TicketOut
from desk.api.ticket_search import Allowed, Search
from desk.api.ticket_sorting import page_of
from desk.errors import DeskError
from desk.tickets import Ticket

log = structlog.get_logger()

router = room("tickets")

PAGE = 100
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet may reckon (OWASP, CSV injection)."""

Form = Literal["csv", "ndjson"]
_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_COLUMNS = (
    "number", "type", "subject", "description", "summary", "status", "status_name", "counts_as",
    "team", "assignee", "level", "priority", "labels", "solution", "cycle", "void_reason",
    "survivor_number", "customer_id", "call_id", "opened_at", "resolved_at", "closed_at",
    "updated_at",
)  # fmt: skip
_OF_CALLER = ("caller_id", "e164", "province", "city", "area_code")


@router.get(
    "/tickets/export",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
            "description": "the file, oldest ticket first",
        }
    },
)
async def export_tickets(
    request: Request,
    desk: Desk,
    who: Allowed,
    search: Search,
    form: Annotated[Form, Query(alias="format", description="ndjson: as in the list")] = "csv",
) -> Response:
    """Every ticket that meets the conditions of the list and that the asker may read, oldest first,
    masked as in the list; who reads numbers in full is on the record. In CSV a cell that a
    spreadsheet would take for a formula begins with an apostrophe. Scope `tickets:read`.
    """

    def page(db: Connection, cursor: str | None) -> tuple[list[Ticket], str | None]:
        return page_of(db, search, PAGE, "oldest", cursor)

    async def file() -> AsyncIterator[bytes]:
        if form == "csv":
            yield b"\xef\xbb\xbf" + _rows([[*_COLUMNS, *_OF_CALLER]])
        found, following = first
        while True:
            told = [TicketOut.of(each, who.masks(each)).model_dump(mode="json") for each in found]
            await _on_record(request, who, told)
            yield _lines(told) if form == "ndjson" else _rows(map(_cells, told))
            if following is None:
                return
            found, following = await desk.db.read(page, following)

    first = await desk.db.read(page, None)  # what is wrong is told before the file begins
    day = desk.now().astimezone(desk.timezone).date()
    return _File(
        file(),
        headers={
            "Cache-Control": "private, no-store",  # each reading is on the record
            "Content-Disposition": f'attachment; filename="tickets-{day}.{form}"',
            "Content-Type": _TYPES[form],
            "X-Content-Type-Options": "nosniff",
        },
    )


class _File(StreamingResponse):
    """Sends what it is given; where that fails, the connection ends before the file does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except DeskError as error:  # too late for a problem; an unfinished chunk tells
            log.error("export not sent whole", error=str(error))


async def _on_record(request: Request, who: Reader, told: list[dict[str, Any]]) -> None:
    """A page of it, before it is given away."""
    shown = numbers_in(orjson.dumps({"items": told})) if who.principal.unmasked else None
    if shown is not None:
        path = f"{request.url.path}?{request.url.query}"
        await reveal(request, who, operation_of(request), path, shown)


def _lines(told: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(each) + b"\n" for each in told)


def _cells(told: dict[str, Any]) -> list[str]:
    flat = {**told["caller"], **told, "labels": " ".join(told["labels"])}
    values = [flat[name] for name in (*_COLUMNS, *_OF_CALLER)]
    return [_safe("" if value is None else str(value)) for value in values]


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _rows(rows: Iterable[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    return written.getvalue().encode()
