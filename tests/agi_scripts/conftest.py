"""A FastAGI server over an empty desk."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agi_scripts.script import Services
from agi_scripts.scripts import SCRIPTS
from agi_scripts.server import AgiServer
from agi_scripts.settings import AgiSettings
from desk.db.engine import Database

NOW = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)

StartServer = Callable[..., Awaitable[AgiServer]]


@pytest.fixture
def services(db: Database, tmp_path: Path) -> Services:
    return Services(
        db=db,
        now=lambda: NOW,
        recordings=tmp_path / "recordings",
        ticket_types={"message": "留言", "repair": "报修"},
    )


@pytest.fixture
async def start_server(services: Services) -> AsyncIterator[StartServer]:
    """`await start_server(scripts=…, **settings)` → a server on a free port of loopback."""
    servers: list[AgiServer] = []

    async def start(scripts: Any = SCRIPTS, **settings: Any) -> AgiServer:
        server = AgiServer(AgiSettings(**settings), scripts, services)
        servers.append(server)
        await server.start(0)
        return server

    yield start
    for server in servers:
        await server.aclose()
