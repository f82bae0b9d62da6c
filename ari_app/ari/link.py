"""The one connection to Asterisk: opened, watched by a heartbeat, and opened again when it breaks.

After every connect `settle` runs beside the reader (event filter, reconciliation). The link is
"up" from the end of `settle` until the connection breaks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from ari_app.ari.backoff import delays
from ari_app.ari.description import plain
from ari_app.ari.errors import (
    AriError,
    Closed,
    DeadlineExceeded,
    Disconnected,
    Unauthorized,
    Unsupported,
    error_for,
)
from ari_app.ari.http import HttpLane
from ari_app.ari.socket import SocketLane

log = logging.getLogger(__name__)
_PING = plain("asterisk.ping", "asterisk/ping")
MOST_BYTES = 4 << 20  # of one event
CLOSE_SECONDS = 1.0  # how long a frozen Asterisk may delay the end of a connection
_FATAL_AT_START = (Unauthorized, Unsupported)


@dataclass(frozen=True, slots=True)
class Pace:
    """All times in seconds. `heartbeat`: between pings; each has `deadline` to be answered."""

    deadline: float = 5.0
    startup: float = 10.0
    heartbeat: float = 5.0
    reconnect_first: float = 0.1
    reconnect_most: float = 5.0


class Link:
    """Owns the reader task. `lane` is the open websocket, or None while there is none."""

    def __init__(
        self,
        http: HttpLane,
        application: str,
        pace: Pace,
        *,
        feed: Callable[[SocketLane, bytes], None],
        settle: Callable[[SocketLane], Awaitable[None]],
        broke: Callable[[], None],
    ) -> None:
        self._http = http
        self._application = application
        self._pace = pace
        self._feed = feed
        self._settle = settle
        self._broke = broke
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._last_error: AriError = Disconnected("never connected")
        self._was_up = False
        self.lane: SocketLane | None = None
        self.connects = 0

    @property
    def is_up(self) -> bool:
        """Connected, filtered and reconciled."""
        return self._up.is_set()

    async def start(self) -> None:
        """Connect for the first time, trying again for `pace.startup` seconds.

        Raises:
            AriError: why there is no connection in the end.
        """
        self._task = asyncio.create_task(self._run(), name=f"ari-link-{self._application}")
        up = asyncio.create_task(self._up.wait(), name="ari-link-start")
        try:
            await asyncio.wait(
                {up, self._task},
                timeout=self._pace.startup,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            up.cancel()
        if self._up.is_set():
            return
        if self._task.done():
            self._task.result()
        await self.stop()
        raise self._last_error

    async def stop(self) -> None:
        """Close the connection and end the reader."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            _ = self._task.cancelled() or self._task.exception()  # wait_end tells it

    async def wait_up(self, deadline: float) -> bool:
        """True as soon as the link is up, False if it is not within `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    async def wait_end(self) -> None:
        """Wait until the link has ended for good."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        waits = delays(self._pace.reconnect_first, self._pace.reconnect_most)
        while True:
            try:
                lane = await self._open()
            except AriError as error:
                self._failed(error)
            else:
                self.connects += 1
                if await self._serve(lane):
                    waits = delays(self._pace.reconnect_first, self._pace.reconnect_most)
            if not self._was_up and isinstance(self._last_error, _FATAL_AT_START):
                raise self._last_error
            await asyncio.sleep(next(waits))

    async def _open(self) -> SocketLane:
        url = f"{self._http.url}/events?app={quote(self._application, safe='')}"
        try:
            async with asyncio.timeout(self._pace.deadline):
                socket: aiohttp.ClientWebSocketResponse[Any] = await self._http.session.ws_connect(
                    url,
                    decode_text=False,
                    max_msg_size=MOST_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )
        except TimeoutError as error:
            raise DeadlineExceeded("Asterisk does not answer", operation="connect") from error
        except aiohttp.WSServerHandshakeError as error:
            raise error_for(error.status, error.message, "connect") from error
        except aiohttp.ClientError as error:
            raise Disconnected(
                f"Asterisk is not reachable at {self._http.url}: {error}", operation="connect"
            ) from error
        return SocketLane(socket)

    async def _serve(self, lane: SocketLane) -> bool:
        """Read until the connection ends; `lane` is the current one meanwhile. True: it was up."""
        self.lane = lane
        beside = asyncio.create_task(self._settle_and_beat(lane), name="ari-heartbeat")
        end: AriError = Closed("the ARI client was closed")
        try:
            await lane.read(self._feed)
            end = Disconnected("the websocket to Asterisk broke")
        finally:
            was_up = self._up.is_set()
            self._up.clear()
            self.lane = None
            lane.fail(end)
            beside.cancel()
            await asyncio.wait({beside})
            await lane.close()
            self._broke()
        if was_up:
            log.warning("lost the connection to Asterisk (%s); reconnecting", self._application)
            self._last_error = end
        return was_up

    async def _settle_and_beat(self, lane: SocketLane) -> None:
        try:
            await self._settle(lane)
            self._was_up = True
            self._up.set()
            log.info("connected to Asterisk as application %s", self._application)
            while True:
                await asyncio.sleep(self._pace.heartbeat)
                await lane.perform(_PING, self._pace.deadline)
        except AriError as error:
            self._failed(error)
        except Exception as error:
            log.exception("a fault of the ARI client; it reconnects")
            self._failed(AriError(f"fault of the client: {error!r}"))
        await lane.close()

    def _failed(self, error: AriError) -> None:
        self._last_error = error
        log.warning("no working connection to Asterisk: %s", error)
