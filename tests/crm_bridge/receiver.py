"""A webhook receiver that does what a test tells it to, over real HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Got:
    """One request whose signature was right."""

    id: str
    at: float
    message: dict[str, Any]

    @property
    def seq(self) -> int:
        number: int = self.message["data"]["seq"]
        return number

    @property
    def key(self) -> str:
        data = self.message["data"]
        return f"ticket:{data['ticket_id']}" if data["ticket_id"] else f"call:{data['call_id']}"


Reply = int | web.Response | asyncio.Event


@dataclass
class Receiver:
    """Answers with what `answer` gives: a status, a response, or an event to wait for (then 200).

    `taken` holds what was answered with 2xx, in order; `got` every request.
    """

    answer: Callable[[Got], Reply] = lambda _: 200
    port: int = 0
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    most_at_once: int = 0
    _now: list[str] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def up(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, happened: Callable[[], bool], seconds: float = 15) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(happened)

    async def __aenter__(self) -> "Receiver":
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        loop = asyncio.get_running_loop()
        one = Got(request.headers["webhook-id"], loop.time(), orjson.loads(body))
        assert one.key not in self._now, "two pushes of one ticket at a time"
        self._now.append(one.key)
        self.most_at_once = max(self.most_at_once, len(self._now))
        try:
            self.got.append(one)
            await self._tell()
            reply = self.answer(one)
            if isinstance(reply, asyncio.Event):
                await reply.wait()
                reply = 200
            response = reply if isinstance(reply, web.Response) else web.Response(status=reply)
            if response.status < 300:
                self.taken.append(one)
        finally:
            self._now.remove(one.key)
        await self._tell()
        return response

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()
