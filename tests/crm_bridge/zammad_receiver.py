"""The receiving end of Zammad's generic CTI interface, as its documentation describes it.

It is held to the published contract and not to our sender: every field is checked against the
tables of docs.zammad.org (API, Generic CTI), and the answers are those of its controller: 401 for
a wrong token, 422 for a wrong direction, 500 for a call it knows already or does not know.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

TOKEN = "PhXp3ZG63QyJfcb1pVOnBKJWIbI"
CAUSES = {
    "normalClearing", "busy", "cancel", "noAnswer", "congestion", "notFound", "forwarded"
}  # fmt: skip
FIELDS = {
    "newCall": {"event", "from", "to", "direction", "callId", "user", "queue"},
    "answer": {"event", "from", "to", "direction", "callId", "user", "answeringNumber"},
    "hangup": {
        "event", "from", "to", "direction", "callId", "user", "answeringNumber", "cause"
    },
}  # fmt: skip


class ContractError(Exception):
    """What was sent is not what the documentation allows."""


def check(event: dict[str, Any]) -> None:
    """Raise ContractError unless every field is as documented."""
    name = event.get("event")
    if name not in FIELDS:
        raise ContractError(f"event {name!r}")
    needed = {"event", "from", "to", "direction", "callId"}
    needed |= {"cause"} if name == "hangup" else set()
    if not needed <= set(event) <= FIELDS[name]:
        raise ContractError(f"{name} with the fields {sorted(event)}")
    for number in (event["from"], event["to"]):
        if not re.fullmatch(r"[0-9]{1,20}|anonymous", number):
            raise ContractError(f"number {number!r}")
    if event["direction"] not in ("in", "out"):
        raise ContractError(f"direction {event['direction']!r}")
    if not 0 < len(event["callId"]) <= 250:
        raise ContractError(f"callId {event['callId']!r}")
    for text in ("user", "queue", "answeringNumber"):
        if text in event and not (isinstance(event[text], str) and event[text]):
            raise ContractError(f"{text} {event[text]!r}")
    if name == "hangup" and event["cause"] not in CAUSES:
        raise ContractError(f"cause {event['cause']!r}")


@dataclass
class Zammad:
    """What it was told, and its caller log: call → state. `faults`: answers given first, instead.

    lose_answers: so many events are taken, and their answer never arrives.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    log: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    faults: list[web.Response] = field(default_factory=list)
    lose_answers: int = 0
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Zammad":
        app = web.Application()
        app.router.add_post("/api/v1/cti/{token}", self._event)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def of(self, call_id: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["callId"] == call_id]

    async def _event(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return _error(401, "Invalid token, please contact your admin!")
        if self.faults:
            return self.faults.pop(0)
        event = orjson.loads(await request.read())
        try:
            check(event)
        except ContractError as error:
            self.problems.append(str(error))
            return _error(422, str(error))
        answer = self._process(event)
        if self.lose_answers and answer.status == 200:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return answer

    def _process(self, event: dict[str, Any]) -> web.Response:
        call, name = event["callId"], event["event"]
        if name == "newCall" and call in self.log:
            return _error(500, "Object already exists!")
        if name != "newCall" and call not in self.log:
            return _error(500, "Error ID dk2MNsov: Please contact your administrator.")
        if not (name == "answer" and self.log[call] == "hangup"):
            self.log[call] = name
        self.events.append(event)
        return web.json_response({})


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
