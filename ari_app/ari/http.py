"""The HTTP lane: a keep-alive pool to Asterisk's ARI, for requests that may take their time."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from yarl import URL

from ari_app.ari.description import Request
from ari_app.ari.errors import (
    AriError,
    Closed,
    DeadlineExceeded,
    Disconnected,
    MediaFailed,
    error_for,
)

LONGEST_URL = 2000  # Asterisk reads request lines of up to 4096 bytes; longer goes into the body
MOST_BYTES = 64 << 20  # of a reply, for example a recording
BLOCK_BYTES = 64 << 10
IDLE_SECONDS = 30.0  # of a download in which nothing comes
_JSON = {"Content-Type": "application/json"}


class Download:
    """A file on its way. `size` is its length in bytes, as Asterisk announced it."""

    def __init__(self, response: aiohttp.ClientResponse, request: Request, deadline: float) -> None:
        length = response.content_length
        if length is None:
            raise MediaFailed(
                "Asterisk does not say how long the file is",
                operation=request.operation,
                ids=request.ids,
            )
        self.size = length
        self._response, self._request, self._deadline = response, request, deadline

    async def blocks(self) -> AsyncIterator[bytes]:
        """The file from its beginning to its end, at most 64 KiB at a time.

        Raises:
            DeadlineExceeded, Disconnected: its end did not come.
        """
        with _told(self._request, self._deadline):
            async for block in self._response.content.iter_chunked(BLOCK_BYTES):
                yield block


class HttpLane:
    """One pool of at most `connections` connections, opened by `async with`."""

    def __init__(self, url: str, username: str, password: str, connections: int) -> None:
        self.url = url.rstrip("/")
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"}
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Asterisk drops an idle connection after session_keep_alive (15 s by default)
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=10)
        self._session = aiohttp.ClientSession(connector=connector, headers=self.headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session (the websocket uses it too)."""
        if self._session is None:
            raise Closed("the ARI client is not open; use `async with Client(…)`")
        return self._session

    async def perform(self, request: Request, deadline: float) -> bytes:
        """Send one request and return the reply's body, within `deadline` seconds.

        Raises:
            AriError: typed by status; DeadlineExceeded; Disconnected.
        """
        target, body = _placed(request)
        with _told(request, deadline):
            async with self.session.request(
                request.method,
                URL(f"{self.url}/{target}", encoded=True),
                data=body,
                headers=_JSON if body is not None else None,
                timeout=aiohttp.ClientTimeout(total=deadline),
                allow_redirects=False,
            ) as response:
                length = response.content_length
                if length is not None and length > MOST_BYTES:
                    raise MediaFailed(
                        f"the file has {length} bytes, more than {MOST_BYTES}",
                        operation=request.operation,
                        ids=request.ids,
                    )
                content = await response.read()
                status = response.status
        if status >= 300:
            raise error_for(status, reason(content), request.operation, request.ids)
        return content

    @asynccontextmanager
    async def download(self, request: Request, deadline: float) -> AsyncIterator[Download]:
        """GET a file of any length in bounded memory, within `deadline` seconds.

        Raises:
            AriError: typed by status; DeadlineExceeded; Disconnected; MediaFailed.
        """
        with _told(request, deadline):
            response = await self.session.get(
                URL(f"{self.url}/{request.target}", encoded=True),
                timeout=aiohttp.ClientTimeout(total=deadline, sock_read=IDLE_SECONDS),
                allow_redirects=False,
            )
        async with response:
            if response.status >= 300:
                with _told(request, deadline):
                    content = await response.content.read(BLOCK_BYTES)
                raise error_for(response.status, reason(content), request.operation, request.ids)
            yield Download(response, request, deadline)


def reason(content: bytes | str | None) -> str:
    """Asterisk's own words in an error reply ({"message": …} or {"error": …})."""
    if not content:
        return ""
    try:
        said: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(said, dict):
        return ""
    return str(said.get("message") or said.get("error") or "")


def encoded(body: Any) -> bytes | None:
    """A body as JSON; None stays None."""
    return None if body is None else msgspec.json.encode(body)


def _placed(request: Request) -> tuple[str, bytes | None]:
    target = request.target
    if len(target) <= LONGEST_URL or request.method not in ("POST", "PUT"):
        return target, encoded(request.body)
    given = request.body if isinstance(request.body, dict) else {}
    return request.path, encoded({**request.query, **given})


@contextmanager
def _told(request: Request, deadline: float) -> Iterator[None]:
    """Raise what goes wrong on the way as our own errors."""
    try:
        yield
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"no reply within {deadline:g} s",
            operation=request.operation,
            ids=request.ids,
            retryable=request.repeatable,
        ) from error
    except aiohttp.ClientError as error:
        raise _broken(error, request) from error


def _broken(error: aiohttp.ClientError, request: Request) -> AriError:
    never_sent = isinstance(error, aiohttp.ClientConnectorError)
    return Disconnected(
        f"Asterisk is not reachable: {error or type(error).__name__}",
        operation=request.operation,
        ids=request.ids,
        retryable=never_sent or request.repeatable,
    )
