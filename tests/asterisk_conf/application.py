"""An ARI application for tests of the dialplan: it takes calls and does nothing until told."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from asterisk_conf.server import AsteriskServer
from tests.asterisk_conf.phone import Phone

_ids = itertools.count(1)


class Application:
    """A registered application's events, and the few commands that tests need."""

    def __init__(
        self,
        server: AsteriskServer,
        session: aiohttp.ClientSession,
        events: aiohttp.ClientWebSocketResponse,
    ) -> None:
        self._url = server.ari_url
        self._session = session
        self._events = events

    async def event(self, kind: str, seconds: float = 5, *, channel: str = "") -> dict[str, Any]:
        """The next event of this type, of this channel if one is named."""
        async with asyncio.timeout(seconds):
            while True:
                event: dict[str, Any] = json.loads(await self._events.receive_str())
                if event["type"] == kind and (not channel or event["channel"]["id"] == channel):
                    return event

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """One request; what it answers."""
        url = f"{self._url}/{path}"
        async with self._session.request(method, url, params=params, json=body) as response:
            text = await response.text()
            assert response.status < 300, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if text else None

    async def set(self, channel: str, name: str, value: object) -> None:
        """Set a variable or function of a channel the way that leaves its dialplan unharmed."""
        await self.ask("GET", f"channels/{channel}/variable", variable=f"SET({name}={value})")

    async def set_lease(self, channel: str, seconds: int) -> None:
        """Give the call `seconds` from now; 0: for ever."""
        await self.set(channel, "TIMEOUT(absolute)", seconds)

    async def give_back(self, channel: str) -> None:
        """Let the call go on in the dialplan."""
        await self.ask("POST", f"channels/{channel}/continue")

    async def hang_up(self, channel: str) -> None:
        await self.ask("DELETE", f"channels/{channel}")

    async def ring(self, phone: Phone, *, seconds: int = 20, **variables: str) -> str:
        """Call a phone for an agent; the id of the leg, which may still be ringing."""
        leg = f"c-test-{next(_ids)}"
        await self.ask(
            "POST",
            f"channels/{leg}",
            {"variables": variables},
            endpoint=f"PJSIP/8001/sip:8001@{phone.address}",
            app="huisheng",
            appArgs="agent",
            timeout=str(seconds),
        )
        return leg

    async def leg_of(self, phone: Phone, caller: dict[str, Any]) -> str:
        """An answered leg that is responsible for `caller` (a channel), as the application makes
        it."""
        handler = {
            "CHANNEL(hangup_handler_push)": "huisheng-agent-gone,s,1",
            "HUISHENG_CALLER": caller["name"],
            "HUISHENG_LINE": caller["dialplan"]["exten"],
        }
        leg = await self.ring(phone, **handler)
        await self.event("StasisStart", channel=leg)
        return leg

    async def bridge(self, *channels: str) -> str:
        """The channels talk."""
        bridge = f"b-test-{next(_ids)}"
        await self.ask("POST", f"bridges/{bridge}", type="mixing,dtmf_events")
        await self.ask("POST", f"bridges/{bridge}/addChannel", channel=",".join(channels))
        return bridge


@asynccontextmanager
async def listening(server: AsteriskServer) -> AsyncIterator[Application]:
    """An application registered under the name that the dialplan calls."""
    login = aiohttp.encode_basic_auth("huisheng", server.secrets.ari)
    name = server.pbx.application
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as session,
        session.ws_connect(f"{server.ari_url}/events?app={name}") as events,
    ):
        yield Application(server, session, events)
