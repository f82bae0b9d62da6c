"""The built-in demo CRM: a webhook receiver on loopback that keeps what it got, per ticket.

It does what a receiver should: verifies the signature with the Standard Webhooks library, refuses
what is old or forged, and takes a message that comes twice only once. It keeps a bounded number of
messages in memory and none on disk.
"""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from crm_bridge.demo_page import page
from crm_bridge.errors import DemoCrmError

TARGET_NAME = "demo"
BODY_BYTES = 1 << 20
KEPT_KEYS = 200
"""Tickets (and calls without one) that are kept; the one that was quiet longest goes first."""
KEPT_PER_KEY = 200
"""Messages kept of each; the oldest goes first."""
KEPT_IDS = 20_000
"""Message ids remembered, to know one that comes twice. Older repetitions fail by their time."""
_CLOSE_SECONDS = 2.0
_ASK_SECONDS = 5.0
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Received:
    """One message: its id, when it came first, and what it says."""

    id: str
    at: datetime
    message: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """What `GET /received` shows."""
        return {"id": self.id, "received_at": self.at.isoformat(), **self.message}


@dataclass
class Ledger:
    """What came, in order of arrival, bounded. `duplicates` and `refused` only count."""

    by_key: OrderedDict[str, deque[Received]] = field(default_factory=OrderedDict)
    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)
    duplicates: int = 0
    refused: int = 0

    def take(self, one: Received) -> bool:
        """Keep a message; False if it came before."""
        if one.id in self.ids:
            self.duplicates += 1
            return False
        self.ids[one.id] = None
        if len(self.ids) > KEPT_IDS:
            self.ids.popitem(last=False)
        key = key_of(one.message)
        self.by_key.setdefault(key, deque(maxlen=KEPT_PER_KEY)).append(one)
        self.by_key.move_to_end(key)
        if len(self.by_key) > KEPT_KEYS:
            self.by_key.popitem(last=False)
        return True

    def of(self, key: str | None) -> list[Received]:
        """The messages of one ticket or call; without a key those of all, ticket by ticket."""
        if key is not None:
            return list(self.by_key.get(key, ()))
        return [one for messages in self.by_key.values() for one in messages]


def key_of(message: dict[str, Any]) -> str:
    """The ticket number a message belongs to, or else its call."""
    data = message["data"]
    return str(data.get("ticket_number") or data.get("call_id") or "-")


class DemoCrm:
    """The receiver: `POST /webhook`, `GET /received?ticket=…`, and a page at `/`."""

    def __init__(self, secret: str, port: int) -> None:
        """Args:
        secret: `whsec_…` of the target that posts here.
        port: on 127.0.0.1; 0: a free one.
        """
        self.ledger = Ledger()
        self._verifier = Webhook(secret)
        self._wanted_port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises DemoCrmError if the port cannot be used."""
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[_only_local_names])
        app.router.add_post("/webhook", self._webhook)
        app.router.add_get("/received", self._received)
        app.router.add_get("/", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._wanted_port).start()
        except OSError as error:
            await self.aclose()
            raise DemoCrmError(
                f"the demo CRM cannot use port {self._wanted_port} ({error.strerror}); end the "
                "program that has it, or change bridge.demo_crm_port and the demo target's url"
            ) from error

    @property
    def port(self) -> int:
        """The port it listens at. Only between `start` and `aclose`."""
        if self._runner is None or not self._runner.addresses:
            raise DemoCrmError("the demo CRM is not running; start it first")
        port: int = self._runner.addresses[0][1]
        return port

    async def aclose(self) -> None:
        """Stop listening. Closing twice is harmless."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _webhook(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            message = self._verifier.verify(body, dict(request.headers))
        except (WebhookVerificationError, ValueError) as error:
            # ValueError: a signature or body that is not even well-formed
            self.ledger.refused += 1
            return _answer(401, f"not a valid signed message: {error}")
        if not isinstance(message, dict) or not isinstance(message.get("data"), dict):
            self.ledger.refused += 1
            return _answer(400, "a message is an object with type, timestamp and data")
        one = Received(request.headers["webhook-id"], datetime.now(UTC), message)
        return _answer(200, "kept" if self.ledger.take(one) else "known already")

    async def _received(self, request: web.Request) -> web.Response:
        messages = self.ledger.of(request.query.get("ticket"))
        return web.json_response(
            {
                "messages": [one.as_json() for one in messages],
                "duplicates": self.ledger.duplicates,
                "refused": self.ledger.refused,
            }
        )

    async def _page(self, _: web.Request) -> web.Response:
        text = page(
            {key: list(messages) for key, messages in reversed(self.ledger.by_key.items())},
            self.ledger.duplicates,
            self.ledger.refused,
        )
        headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=text, content_type="text/html", headers=headers)


async def received(port: int, ticket: str | None = None) -> list[dict[str, Any]]:
    """What a running demo CRM got: all, or that of one ticket number, in order of arrival.

    Raises DemoCrmError if none answers at the port.
    """
    timeout = aiohttp.ClientTimeout(total=_ASK_SECONDS)
    query = {"ticket": ticket} if ticket is not None else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.get(f"http://127.0.0.1:{port}/received", params=query) as response,
        ):
            messages: list[dict[str, Any]] = (await response.json())["messages"]
            return messages
    except (TimeoutError, aiohttp.ClientError, ValueError, KeyError) as error:
        raise DemoCrmError(
            f"no demo CRM answers at port {port} ({error}); start the line first"
        ) from error


@web.middleware
async def _only_local_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A web page elsewhere that points its own name at 127.0.0.1 must not read callers' data."""
    if request.host.rpartition(":")[0] not in _HOSTS and request.host not in _HOSTS:
        raise web.HTTPForbidden(text="ask for 127.0.0.1")
    return await handler(request)


def _answer(status: int, text: str) -> web.Response:
    return web.json_response({"result": text}, status=status)
