"""The fake ARI server and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from ari_app.ari import Client
from tests.ari_app.ari.fake import FakeAri


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
