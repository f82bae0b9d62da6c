"""A desk that writes entries, and bridges that deliver them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crm_bridge.delivery import Bridge
from crm_bridge.settings import BridgeSettings
from desk import outbox, timeline
from desk.db.engine import Database
from tests.crm_bridge.receiver import SECRET, Receiver

Write = Callable[..., Awaitable[None]]
MakeBridge = Callable[..., Bridge]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
def write(db: Database) -> Write:
    """`await write("call-1", 3)`: three entries of one call, in one transaction."""

    async def entries(call_id: str, count: int = 1, **body: Any) -> None:
        def work(connection: Any) -> None:
            for number in range(count):
                timeline.append(
                    connection,
                    kind="call.noted",
                    body={"n": number, **body},
                    now=datetime.now(UTC),
                    call_id=call_id,
                )

        await db.write(work)

    return entries


def settings_for(**targets: str) -> BridgeSettings:
    return BridgeSettings.model_validate(
        {
            "targets": [
                {"kind": "webhook", "name": name, "url": url, "deadline_seconds": 2}
                for name, url in targets.items()
            ],
            "retry_first_seconds": 0.02,
            "retry_most_seconds": 0.2,
        }
    )


@pytest.fixture
def make_bridge(db: Database, tmp_path: Any) -> MakeBridge:
    """`make_bridge(crm=url)`: the bridge of config.yaml, with short waits and a known secret."""

    def make(settings: BridgeSettings | None = None, **targets: str) -> Bridge:
        settings = settings or settings_for(**targets)
        environ = {
            f"HUISHENG_WEBHOOK_{target.name.upper()}_SECRET": SECRET for target in settings.targets
        }
        return Bridge.of(settings, db, tmp_path, environ)

    return make


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def settled(db: Database, target: str = "crm", seconds: float = 15) -> outbox.Counts:
    """Wait until nothing of a target is pending."""
    async with asyncio.timeout(seconds):
        while (count := (await db.read(outbox.counts))[target]).pending:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return count
