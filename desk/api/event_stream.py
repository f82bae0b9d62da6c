"""Server-sent events (WHATWG HTML, section 9.2) over ASGI, with a deadline on every send."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 20.0  # a client that takes nothing for so long has to come again
RETRY_MS = 2000


class EventStream(Response):
    """Sends entries as they come, until the client leaves, stops reading, or the server ends."""

    media_type = "text/event-stream"

    def __init__(
        self,
        entries: AsyncGenerator[list[Any], None],
        event: Callable[[Any], bytes],
        place: AbstractContextManager[None],
    ) -> None:
        """`entries` are any objects; `event` gives the bytes of one, none for one that is not to
        be shown. `place` has been entered; it is left when the stream ends.
        """
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._entries = entries
        self._event = event
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        try:
            sending = asyncio.create_task(self._send(send), name="huisheng-sse-send")
            leaving = asyncio.create_task(_left(receive), name="huisheng-sse-leave")
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)
            if not sending.cancelled() and (error := sending.exception()) is not None:
                raise error
        finally:
            self._place.__exit__(None, None, None)

    async def _send(self, send: Send) -> None:
        """The response begins once nothing can be missed any more; what goes wrong before that
        becomes a response of its own.
        """
        try:
            async with aclosing(self._entries):
                begun = False
                async for entries in self._entries:
                    if not begun:
                        begun = True
                        await self._begin(send)
                        if not entries:
                            continue
                    body = b"".join(map(self._event, entries)) or b": still here\n\n"
                    await _within(send, body, True)
                if not begun:
                    await self._begin(send)
            await _within(send, b"", False)
        except (TimeoutError, OSError):
            return  # the client is gone, or as good as gone; it resumes with Last-Event-ID

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await _within(send, f"retry: {RETRY_MS}\n\n".encode(), True)


async def _within(send: Send, body: bytes, more: bool) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(seq: int | None, kind: str, data: bytes) -> bytes:
    """One event; `data` is one line of JSON. Without `seq` it leaves the client's last id alone."""
    name = kind.replace("\r", " ").replace("\n", " ")
    place = "" if seq is None else f"id: {seq}\n"
    return f"{place}event: {name}\ndata: ".encode() + data + b"\n\n"
