"""An ARI application for tests of the dialplan: it takes calls and does nothing until told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from asterisk_conf.server import AsteriskServer


class Application:
    """A registered application's events, and the few commands that tests need."""

    def __init__(
        self,
        server: AsteriskServer,
        session: aiohttp.ClientSession,
        events: aiohttp.ClientWebSocketResponse,
    ) -> None:
        self._channels = f"{server.ari_url}/channels"
        self._session = session
        self._events = events

    async def event(self, kind: str, seconds: float = 5) -> dict[str, Any]:
        """The next event of this type."""
        async with asyncio.timeout(seconds):
            while True:
                event: dict[str, Any] = json.loads(await self._events.receive_str())
                if event["type"] == kind:
                    return event

    async def set_lease(self, channel: str, seconds: int) -> None:
        """Give the call `seconds` from now; 0: for ever."""
        async with self._session.post(
            f"{self._channels}/{channel}/variable",
            params={"variable": "TIMEOUT(absolute)", "value": str(seconds)},
        ) as response:
            assert response.status == 204

    async def give_back(self, channel: str) -> None:
        """Let the call go on in the dialplan."""
        async with self._session.post(f"{self._channels}/{channel}/continue") as response:
            assert response.status == 204

    async def hang_up(self, channel: str) -> None:
        async with self._session.delete(f"{self._channels}/{channel}") as response:
            assert response.status == 204


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
