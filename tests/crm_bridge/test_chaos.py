"""A relay that is killed at the worst moment: the CRM has the entry, our database does not know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from crm_bridge.demo_crm import DemoCrm, received
from desk import outbox
from desk.db.engine import Database
from tests.crm_bridge.conftest import Write, settled
from tests.crm_bridge.receiver import SECRET
from tests.crm_bridge.relay import relaying

pytestmark = pytest.mark.chaos


class Front:
    """Stands before the demo CRM: hands messages on, and holds back its answer until `gate`."""

    def __init__(self, crm: DemoCrm) -> None:
        self.crm = crm
        self.ids: list[str] = []
        self.committed = asyncio.Event()
        self.gate = asyncio.Event()
        self.url = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Front"]:
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        names = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")
        headers = {name: request.headers[name] for name in names}
        body = await request.read()
        url = f"http://127.0.0.1:{self.crm.port}/webhook"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            status = answer.status
        self.ids.append(request.headers["webhook-id"])
        self.committed.set()
        await self.gate.wait()
        return web.Response(status=status)


async def test_a_relay_killed_before_its_note_repeats_the_message_under_the_same_id(
    db: Database, database_url: str, write: Write
) -> None:
    await db.write(outbox.fan_out, ["crm"], datetime.now(UTC))
    await write("call-1", 3)
    async with DemoCrm(SECRET, 0) as crm, Front(crm).open() as front:
        async with relaying(database_url, front.url) as relay, asyncio.timeout(20):
            await front.committed.wait()
            relay.kill()
            await relay.wait()
        assert (await db.read(outbox.counts))["crm"].pending == 3
        front.gate.set()
        async with relaying(database_url, front.url):
            count = await settled(db, seconds=20)
        assert count.dead == 0
        assert len(front.ids) == 4
        assert front.ids[0] == front.ids[1], "the repetition must be recognisable"
        assert len(set(front.ids)) == 3
        kept = await received(crm.port, "call-1")
        assert [one["data"]["body"]["n"] for one in kept] == [0, 1, 2]
        assert crm.ledger.duplicates == 1
