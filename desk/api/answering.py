"""What is done with every answer: kept for a repeated request, put on the record where it shows
numbers in full, and left out where the asker has it already.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from desk.api import revealing
from desk.api.access import Reader, operation_of
from desk.api.repeats import Once, Replay
from desk.api.state import ApiState

NO_CONTENT = 204
READS = frozenset({"GET", "HEAD"})
PRIVATE = "private, no-cache"  # may be kept, if it is asked for again each time


class Answering(APIRoute):
    """A route of the API."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """How a request is served."""
        serve = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await serve(request)
                if response.status_code == NO_CONTENT:
                    del response.headers["content-type"]  # FastAPI names one; there is none
                await _on_record(request, response)
                if (once := _once(request)) is not None:
                    await once.keep(response)
            except Replay as replay:
                response = replay.response()
                await _on_record(request, response)
                return response
            finally:
                if (once := _once(request)) is not None:
                    once.end()
            return unless_known(request, response)

        return answer


def unless_known(request: Request, response: Response) -> Response:
    """The answer to a reading with its ETag, or 304 if the asker has it already (RFC 9110, section
    13.1.2). An answer that names no version gets the hash of its body as a weak one.
    """
    body = getattr(response, "body", None)
    if request.method not in READS or response.status_code != 200 or not isinstance(body, bytes):
        return response
    if "cache-control" in response.headers:
        return response
    etag = response.headers.get("etag")
    if etag is None:
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        response.headers["ETag"] = etag
    response.headers["Cache-Control"] = PRIVATE
    response.headers["Vary"] = "Authorization, Cookie"
    if _has(request.headers.get("if-none-match"), etag):
        kept = {k: response.headers[k] for k in ("etag", "cache-control", "vary")}
        return Response(status_code=304, headers=kept)
    return response


def _has(known: str | None, etag: str) -> bool:
    if known is None:
        return False
    return any(
        one in ("*", etag) or one.removeprefix("W/") == etag.removeprefix("W/")
        for one in map(str.strip, known.split(","))
    )


async def _on_record(request: Request, response: Response) -> None:
    reader: Reader | None = getattr(request.state, "reader", None)
    body = getattr(response, "body", None)
    if reader is None or not reader.principal.unmasked or not isinstance(body, bytes):
        return
    if not response.headers.get("content-type", "").startswith("application/json"):
        return
    shown = revealing.numbers_in(body)
    if shown is None:
        return
    path = request.url.path
    if request.url.query:
        path = f"{path}?{request.url.query}"
    await reveal(request, reader, operation_of(request), path, shown)


async def reveal(
    request: Request, reader: Reader, operation: str, path: str, records: list[str]
) -> None:
    """Put on the record that somebody reads numbers in full, once an hour for the same ones."""
    state: ApiState = request.app.state.desk
    owner, now = reader.principal.owner, state.now()
    what = "\n".join((operation, path, *records))
    if state.readings.worth_noting(owner, what, now):
        path = path[: revealing.MOST_PATH]
        await state.db.write(revealing.note, reader.actor, operation, path, records, now)
        state.readings.noted(owner, what, now)


def _once(request: Request) -> Once | None:
    return getattr(request.state, "once", None)
