"""A small ARI server for faults that a real Asterisk cannot be made to show.

It answers over HTTP and websocket from one table, notes every request, and sends what a test wants.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from ari_app.ari import Client

Answer = tuple[int, Any]
SILENCE: Answer = (0, None)


@dataclass(frozen=True)
class Asked:
    """One request as it came in. `lane` is "http" or "socket"."""

    lane: str
    method: str
    path: str
    query: dict[str, str]
    body: Any


def _operation(nickname: str, method: str, returns: str, *parameters: str) -> dict[str, Any]:
    """`parameters`: "path:channelId", "query:media*" (many), "body:filter:object"."""
    described = []
    for parameter in parameters:
        place, name, *kind = parameter.split(":")
        described.append(
            {
                "name": name.rstrip("*"),
                "paramType": place,
                "dataType": kind[0] if kind else "string",
                "required": place == "path",
                "allowMultiple": name.endswith("*"),
            }
        )
    return {
        "nickname": nickname,
        "httpMethod": method,
        "responseClass": returns,
        "parameters": described,
    }


def _resource(**paths: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apis": [{"path": path, "operations": ops} for path, ops in paths.items()]}


_CHANNEL = "/channels/{channelId}"
_PLAYBACK = "/playbacks/{playbackId}"
_APPLICATION = "/applications/{applicationName}"
DESCRIPTIONS: dict[str, Any] = {
    "asterisk": _resource(**{"/asterisk/ping": [_operation("ping", "GET", "AsteriskPing")]}),
    "channels": _resource(
        **{
            "/channels": [_operation("list", "GET", "List[Channel]")],
            _CHANNEL: [
                _operation("get", "GET", "Channel", "path:channelId"),
                _operation("hangup", "DELETE", "void", "path:channelId", "query:reason"),
                _operation(
                    "originateWithId",
                    "POST",
                    "Channel",
                    "path:channelId",
                    *(
                        f"query:{name}"
                        for name in [
                            "endpoint",
                            "app",
                            "appArgs",
                            "context",
                            "extension",
                            "priority",
                            "callerId",
                            "timeout",
                            "otherChannelId",
                            "originator",
                            "formats",
                        ]
                    ),
                    "body:variables:containers",
                ),
            ],
            f"{_CHANNEL}/answer": [_operation("answer", "POST", "void", "path:channelId")],
            f"{_CHANNEL}/continue": [
                _operation(
                    "continueInDialplan",
                    "POST",
                    "void",
                    "path:channelId",
                    *(f"query:{name}" for name in ("context", "extension", "priority", "label")),
                )
            ],
            f"{_CHANNEL}/play/{{playbackId}}": [
                _operation(
                    "playWithId",
                    "POST",
                    "Playback",
                    "path:channelId",
                    "path:playbackId",
                    "query:media*",
                    "query:lang",
                    "query:offsetms:int",
                    "query:skipms:int",
                )
            ],
            f"{_CHANNEL}/variable": [
                _operation(
                    "setChannelVar",
                    "POST",
                    "void",
                    "path:channelId",
                    "query:variable",
                    "query:value",
                )
            ],
        }
    ),
    "playbacks": _resource(
        **{
            _PLAYBACK: [
                _operation("get", "GET", "Playback", "path:playbackId"),
                _operation("stop", "DELETE", "void", "path:playbackId"),
            ]
        }
    ),
    "bridges": _resource(**{"/bridges": [_operation("list", "GET", "List[Bridge]")]}),
    "applications": _resource(
        **{
            _APPLICATION: [_operation("get", "GET", "Application", "path:applicationName")],
            f"{_APPLICATION}/eventFilter": [
                _operation(
                    "filter", "PUT", "Application", "path:applicationName", "body:filter:object"
                )
            ],
        }
    ),
}


@dataclass
class FakeAri:
    """Set `answers[(method, path)]` to (status, body), to a function of `Asked`, or to SILENCE."""

    url: str = ""
    answers: dict[tuple[str, str], Answer | Callable[[Asked], Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    refuse: int | None = None
    mute: bool = False
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _cut: list[asyncio.Transport] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    # -- what a test does --------------------------------------------------------------------------

    async def tell(self, message: Any) -> None:
        """Send a message over the newest websocket: a dict, or anything as it is."""
        socket = self.sockets[-1]
        if isinstance(message, bytes):
            await socket.send_frame(message, WSMsgType.TEXT)
        else:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def start(self, channel_id: str) -> None:
        """A channel enters the application."""
        self.channels.append(channel_id)
        self.held.append(channel_id)
        await self.tell({"type": "StasisStart", "channel": {"id": channel_id}, "args": []})

    async def break_socket(self) -> None:
        """Cut the newest websocket without a goodbye."""
        self._cut[-1].abort()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Until `condition` holds; looked at after every request and connection."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(condition)

    def paths(self, lane: str) -> list[str]:
        """`METHOD path` of everything asked over one lane."""
        return [f"{a.method} {a.path}" for a in self.asked if a.lane == lane]

    # -- the server --------------------------------------------------------------------------------

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ari/events", self._events)
        app.router.add_route("*", "/ari/{path:.*}", self._http)
        return app

    async def _said(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _http(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix("/ari/")
        if self.refuse is not None:
            return web.json_response({"message": "refused"}, status=self.refuse)
        text = await request.text()
        asked = Asked(
            "http", request.method, path, dict(request.query), json.loads(text) if text else None
        )
        status, body = await self._answer(asked)
        if isinstance(body, bytes):
            return web.Response(status=status, body=body)
        return web.json_response(body, status=status)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.refuse is not None:
            return web.json_response({"message": "refused"}, status=self.refuse)
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        assert request.transport is not None
        self.sockets.append(socket)
        self._cut.append(request.transport)
        await self._said()
        async with asyncio.TaskGroup() as replies:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    replies.create_task(self._reply(socket, json.loads(message.data)))
        return socket

    async def _reply(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        path, _, query = frame["uri"].partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        body = json.loads(frame["message_body"]) if "message_body" in frame else None
        asked = Asked("socket", frame["method"], path, pairs, body)
        if self.mute:
            return
        status, body = await self._answer(asked)
        reply = {
            "type": "RESTResponse",
            "request_id": frame["request_id"],
            "status_code": status,
            "reason_phrase": "",
            "uri": frame["uri"],
        }
        if body is not None:
            reply["message_body"] = json.dumps(body)
        if not socket.closed:
            await socket.send_str(json.dumps(reply))

    async def _answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        await self._said()
        answer = self.answers.get((asked.method, asked.path))
        if answer is None:
            answer = self._usual(asked)
        elif callable(answer):
            answer = answer(asked)
        if answer is SILENCE:
            await self._stopping.wait()
        return answer

    def _usual(self, asked: Asked) -> Answer:
        path = asked.path
        if path == "api-docs/resources.json":
            apis = [{"path": f"/api-docs/{name}.{{format}}"} for name in DESCRIPTIONS]
            return 200, {"apis": apis}
        if path.startswith("api-docs/"):
            return 200, DESCRIPTIONS[path.removeprefix("api-docs/").removesuffix(".json")]
        if path == "asterisk/ping":
            return 200, {"ping": "pong"}
        if path == "channels":
            return 200, [{"id": one} for one in self.channels]
        if path == "bridges":
            return 200, []
        if path.startswith("applications/"):
            return 200, {"name": "app", "channel_ids": self.held}
        return (200, {"id": path.rpartition("/")[2]}) if asked.method == "GET" else (204, None)

    def stop(self) -> None:
        """Let silent requests end."""
        self._stopping.set()


async def arrive(ari: Client, fake: FakeAri, channel_id: str = "1.1") -> None:
    await fake.start(channel_id)
    start = await anext(ari.arrivals())
    assert start.channel.id == channel_id


def dtmf(channel_id: str, digit: str) -> dict[str, object]:
    return {"type": "ChannelDtmfReceived", "channel": {"id": channel_id}, "digit": digit}


async def all_arrivals(ari: Client) -> list[str]:
    return [start.channel.id async for start in ari.arrivals()]
