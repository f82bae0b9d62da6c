"""The dispatcher: finds the operation, checks the parameters, picks the lane, sends."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from ari_app.ari.description import Descriptions, Operation, plain
from ari_app.ari.errors import AriError, Closed, Disconnected, NotFound, Unsupported
from ari_app.ari.exchange import Exchange
from ari_app.ari.http import Download, HttpLane
from ari_app.ari.lanes import AGAIN, Lane
from ari_app.ari.socket import SocketLane

log = logging.getLogger(__name__)


class Dispatcher:
    """Sends requests for everybody. `socket()` gives the open websocket, or None.

    Attributes:
        descriptions: what this Asterisk describes; empty before the first connect.
        refused: how many requests failed that nobody waited for.
    """

    def __init__(
        self,
        http: HttpLane,
        exchange: Exchange,
        socket: Callable[[], SocketLane | None],
        deadline: float,
    ) -> None:
        self.descriptions = Descriptions(())
        self.refused = 0
        self._http = http
        self._exchange = exchange
        self._socket = socket
        self._deadline = deadline
        self._end: AriError | None = None
        self._asides: set[asyncio.Task[None]] = set()

    async def call(self, name: str, /, *, deadline: float | None = None, **values: Any) -> Any:
        """Any operation by name: `await ari.call("channels.rtpstatistics", channel_id=…)`.

        Raises:
            Unsupported: Asterisk does not describe it.
            TypeError, ValueError: a parameter is wrong; nothing was sent.
            AriError: Asterisk refused, or did not answer.
        """
        operation = self.operation(name)
        return operation.result(await self.perform(operation, values, deadline))

    def operation(self, name: str) -> Operation:
        """The operation Asterisk describes under this name."""
        operation = self.descriptions.operations.get(name)
        if operation is None:
            raise self._end or Unsupported(
                f"this Asterisk describes no operation {name!r}", operation=name
            )
        return operation

    async def perform(
        self, operation: Operation, values: Mapping[str, Any], deadline: float | None = None
    ) -> bytes | str | None:
        """Check, send by the right lane and wait for the reply's body. Where the websocket breaks
        before the reply, HTTP takes what may be done twice.
        """
        if self._end is not None:
            raise self._end
        request = operation.request(values)
        within = self._deadline if deadline is None else deadline
        socket = self._socket_for(operation.lane, values)
        if socket is not None:
            try:
                return await socket.perform(request, within)
            except Disconnected:
                if not request.repeatable and operation.name not in AGAIN:
                    raise
        return await self._http.perform(request, within)

    def download(
        self, operation: Operation, values: Mapping[str, Any], deadline: float
    ) -> AbstractAsyncContextManager[Download]:
        """Check, and open a file that is longer than a reply may be, over HTTP."""
        if self._end is not None:
            raise self._end
        return self._http.download(operation.request(values), deadline)

    async def post(
        self,
        operation: Operation,
        values: Mapping[str, Any],
        refused: Callable[[AriError], None] | None = None,
        deadline: float | None = None,
    ) -> None:
        """Send and return at once if the request may take the websocket, else wait like `perform`.

        Requests posted one after the other are executed in that order. A refusal is told to
        `refused`, or logged and counted.
        """
        if self._end is not None:
            raise self._end
        socket = self._socket_for(operation.lane, values)
        if socket is None:
            await self.perform(operation, values, deadline)
            return
        request = operation.request(values)
        within = self._deadline if deadline is None else deadline
        await socket.post(request, within, refused or self._refused)

    async def describe(self) -> None:
        """Read all resource descriptions, unless that was done before.

        Raises:
            AriError: Asterisk does not serve them (yet).
        """
        if self.descriptions.operations:
            return
        documents: dict[str, Any] = {}
        listed = await self._document("resources")
        for api in listed["apis"]:
            name = api["path"].rpartition("/")[2].removesuffix(".{format}")
            documents[name] = await self._document(name)
        self.descriptions = Descriptions.parse(documents)

    async def _document(self, name: str) -> Any:
        try:
            body = await self._http.perform(
                plain("api-docs", f"api-docs/{name}.json"), self._deadline
            )
            return msgspec.json.decode(body)
        except NotFound as error:
            raise Disconnected(
                f"Asterisk does not serve its resource description {name}.json yet, or its "
                "rest-api folder is missing from astdatadir",
                operation="api-docs",
            ) from error

    def aside(self, request: Coroutine[Any, Any, None], name: str) -> None:
        """Run a short request that nobody waits for; its task is owned here."""

        async def run() -> None:
            try:
                await request
            except AriError as error:
                self._refused(error)

        task = asyncio.create_task(run(), name=f"ari-{name}")
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def end(self, error: AriError) -> None:
        """From now on every request fails with `error`."""
        self._end = self._end or error

    async def aclose(self) -> None:
        """End the requests that run aside."""
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    def _refused(self, error: AriError) -> None:
        self.refused += 1
        if not isinstance(error, NotFound | Closed):  # the caller hung up first: no news
            log.warning("a request nobody waits for failed: %s", error)

    def _socket_for(self, lane: Lane, values: Mapping[str, Any]) -> SocketLane | None:
        socket = self._socket()
        if lane is Lane.HTTP or socket is None or not socket.is_open:
            return None
        if lane is Lane.QUIET and not self._exchange.is_quiet(values["channel_id"]):
            return None
        return socket
