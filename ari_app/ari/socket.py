"""The websocket lane: events in, requests out, replies matched to requests by number."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import WSMsgType

from ari_app.ari.description import Request
from ari_app.ari.errors import AriError, DeadlineExceeded, Disconnected, error_for
from ari_app.ari.events import RestResponse
from ari_app.ari.http import reason

log = logging.getLogger(__name__)
Refused = Callable[[AriError], None]


class Pending:
    """A request whose reply has not come."""

    __slots__ = ("future", "refused", "request", "timer")

    def __init__(
        self,
        request: Request,
        future: "asyncio.Future[str | None] | None" = None,
        refused: Refused | None = None,
    ) -> None:
        self.request = request
        self.future = future
        self.refused = refused
        self.timer: asyncio.TimerHandle | None = None

    def fail(self, error: AriError) -> None:
        """End the request with an error."""
        if self.timer is not None:
            self.timer.cancel()
        if self.future is not None:
            if not self.future.done():
                self.future.set_exception(error)
        elif self.refused is not None:
            self.refused(error)


class SocketLane:
    """One open websocket. It is made for one connection and never reopened."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[Any]") -> None:
        self._socket = socket
        self._pending: dict[str, Pending] = {}
        self._numbers = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._error: AriError | None = None

    @property
    def is_open(self) -> bool:
        """Requests may be sent."""
        return self._error is None and not self._socket.closed

    @property
    def in_flight(self) -> int:
        """Requests without a reply yet."""
        return len(self._pending)

    async def read(self, feed: "Callable[[SocketLane, bytes], None]") -> None:
        """Pass every message to `feed` until the connection ends."""
        receive = self._socket.receive
        while True:
            message = await receive()
            if message.type is WSMsgType.TEXT:
                feed(self, message.data)
            elif message.type is not WSMsgType.BINARY:  # Asterisk sends none
                return

    async def perform(self, request: Request, deadline: float) -> str | None:
        """Send one request and return the reply's body, within `deadline` seconds.

        Raises:
            AriError: typed by status; DeadlineExceeded; Disconnected.
        """
        future: asyncio.Future[str | None] = self._loop.create_future()
        pending = Pending(request, future)
        number = await self._send(pending, deadline)
        try:
            return await future
        finally:
            if self._pending.pop(number, None) is not None and pending.timer is not None:
                pending.timer.cancel()

    async def post(self, request: Request, deadline: float, refused: Refused) -> None:
        """Send one request and return as soon as it is on its way; `refused` hears of an error."""
        await self._send(Pending(request, refused=refused), deadline)

    def replied(self, reply: RestResponse) -> bool:
        """Match a reply to its request. False: nobody waits for it (any more)."""
        pending = self._pending.pop(reply.request_id, None)
        if pending is None:
            return False
        if reply.status_code < 300:
            if pending.timer is not None:
                pending.timer.cancel()
            if pending.future is not None and not pending.future.done():
                pending.future.set_result(reply.message_body)
            return True
        said = reason(reply.message_body) or reply.reason_phrase
        request = pending.request
        pending.fail(error_for(reply.status_code, said, request.operation, request.ids))
        return True

    def fail(self, error: AriError) -> None:
        """The connection ended: so does every request without a reply."""
        if self._error is None:
            self._error = error
        pending, self._pending = self._pending, {}
        for one in pending.values():
            request = one.request
            one.fail(
                type(error)(
                    error.message,
                    operation=request.operation,
                    ids=request.ids,
                    retryable=error.retryable and request.repeatable,
                )
            )

    async def close(self) -> None:
        """Close the websocket."""
        await self._socket.close()

    async def _send(self, pending: Pending, deadline: float) -> str:
        request = pending.request
        if self._error is not None:
            raise Disconnected(self._error.message, operation=request.operation, ids=request.ids)
        number = str(next(self._numbers))
        # target is percent-encoded and the rest is ours: nothing in it needs escaping
        head = (
            f'{{"type":"RESTRequest","transaction_id":"","request_id":"{number}",'
            f'"method":"{request.method}","uri":"{request.target}"'
        )
        frame = f"{head}}}".encode() if request.body is None else _with_body(head, request.body)
        pending.timer = self._loop.call_later(deadline, self._expire, number, deadline)
        self._pending[number] = pending
        try:
            await self._socket.send_frame(frame, WSMsgType.TEXT)
        except BaseException as error:
            self._pending.pop(number, None)
            pending.timer.cancel()
            if isinstance(error, aiohttp.ClientError | ConnectionError):
                raise Disconnected(
                    "the websocket to Asterisk is broken",
                    operation=request.operation,
                    ids=request.ids,
                ) from error
            raise
        return number

    def _expire(self, number: str, deadline: float) -> None:
        pending = self._pending.pop(number, None)
        if pending is not None:
            request = pending.request
            pending.fail(
                DeadlineExceeded(
                    f"no reply within {deadline:g} s",
                    operation=request.operation,
                    ids=request.ids,
                    retryable=request.repeatable,
                )
            )


def _with_body(head: str, body: Any) -> bytes:
    text = msgspec.json.encode(msgspec.json.encode(body).decode())
    return b'%b,"content_type":"application/json","message_body":%b}' % (head.encode(), text)
