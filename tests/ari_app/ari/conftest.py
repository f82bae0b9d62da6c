"""The fake ARI server and a client of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from ari_app.ari import ApplicationReplaced, Client
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from tests.ari_app.ari.fake import FakeAri
from tests.ari_app.ari.real import ClientOn, clear


@pytest.fixture
async def fake() -> AsyncIterator[FakeAri]:
    """A running fake on a port of its own."""
    server = FakeAri()
    runner = web.AppRunner(server.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    server.url = f"http://127.0.0.1:{port}/ari"
    yield server
    server.stop()
    await asyncio.sleep(0)
    await runner.cleanup()


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """`client_of(fake, **settings)`: a client with short times."""

    def make(fake: FakeAri, **settings: Any) -> Client:
        values: dict[str, Any] = {
            "url": fake.url,
            "username": "user",
            "password": "secret",
            "application": "app",
            "deadline": 1.0,
            "startup_deadline": 2.0,
            "heartbeat": 60.0,
            "reconnect_first": 0.01,
            "reconnect_most": 0.05,
        }
        return Client(**(values | settings))

    return make


@pytest.fixture
async def ari(fake: FakeAri, client_of: Callable[..., Client]) -> AsyncIterator[Client]:
    """A connected client of the fake."""
    async with client_of(fake) as client:
        yield client


@pytest.fixture
def client_on(asterisk: AsteriskServer) -> ClientOn:
    sound = asterisk.paths.sounds / "huisheng" / "test-short.alaw"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.write_bytes(bytes(range(0x80, 0x100)) * 19)

    def make(**settings: Any) -> Client:
        values: dict[str, Any] = {
            "url": asterisk.ari_url,
            "username": ARI_USER,
            "password": asterisk.secrets.ari,
            "application": asterisk.pbx.application,
        }
        return Client(**(values | settings))

    return make


@pytest.fixture
async def line(client_on: ClientOn) -> AsyncIterator[Client]:
    """The line's application."""
    async with client_on() as client:
        yield client
        with contextlib.suppress(ApplicationReplaced):
            await clear(client)


@pytest.fixture
async def far(line: Client, client_on: ClientOn) -> AsyncIterator[Client]:
    """An application that plays the callers: the other halves of Local channels."""
    async with client_on(application="callers") as client:
        yield client
