"""ASGI middleware: a request's body is small and comes soon, whoever sends it. Files are large and
come slowly: routes that take them bound them by themselves.
"""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.api.problems import Problem

MOST_BYTES = 64 * 1024
SECONDS = 10.0

FILES = re.compile(r"/api/v1/tickets/[^/]{1,90}/attachments")
"""Paths to which POST brings a file, which is never held in memory whole."""

_WITH_BODY = {"POST", "PUT", "PATCH"}


def brings_file(method: str, path: str) -> bool:
    """Whether a request's body is a file."""
    return method == "POST" and FILES.fullmatch(path) is not None


class BoundBodies:
    """Reads the body before the application does, which reads it before it looks at the token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer 413 or 408."""
        small = scope["type"] == "http" and scope["method"] in _WITH_BODY
        if not small or brings_file(scope["method"], scope["path"]):
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
