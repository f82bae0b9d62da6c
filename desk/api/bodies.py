"""ASGI middleware: a request's body is small and comes soon, whoever sends it. Files are large and
come slowly: routes that take them bound them by themselves.
"""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.api.problems import Problem

MOST_BYTES = 64 * 1024
SECONDS = 10.0

_WITH_BODY = {"POST", "PUT", "PATCH"}


class BoundBodies:
    """Reads the body before the application does, which reads it before it looks at the token."""

    def __init__(self, app: ASGIApp, *, files: re.Pattern[str] | None = None) -> None:
        """`files`: paths to which POST brings a file; those are left alone."""
        self._app = app
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer 413 or 408."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY or self._is_file(scope):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(SECONDS):
                body = await _body(receive)
        except TimeoutError:
            await _too_slow().response()(scope, receive, send)
            return
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        if body is None:
            return  # the client has gone
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)

    def _is_file(self, scope: Scope) -> bool:
        path = self._files.fullmatch(scope["path"]) if self._files is not None else None
        return path is not None and scope["method"] == "POST"


async def _body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise Problem(
                413,
                "body-too-large",
                "Too large",
                f"The body is longer than {MOST_BYTES} bytes.",
                "Send only what /docs describes.",
                headers={"Connection": "close"},
            )
        if not message.get("more_body"):
            return bytes(body)


def _too_slow() -> Problem:
    return Problem(
        408,
        "body-too-slow",
        "Too slow",
        f"The body did not arrive within {SECONDS:g} s.",
        "Send it again, whole.",
        headers={"Connection": "close"},
    )
