"""A bridge in a process of its own, to be killed: `python -m tests.crm_bridge.relay DB URL`.

Its leases are short, so that nobody waits long for what it had when it was killed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crm_bridge import worker
from crm_bridge.delivery import Bridge
from desk.db.engine import Database
from tests.crm_bridge.conftest import settings_for
from tests.crm_bridge.receiver import SECRET

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 3.5
"""The deadline of the conftest's targets, and the two margins."""


async def relay(database_url: str, url: str) -> None:
    worker.LEASE_MARGIN_SECONDS = 0.5
    environ = {"HUISHENG_WEBHOOK_CRM_SECRET": SECRET}
    async with (
        await Database.open(database_url) as db,
        Bridge.of(settings_for(crm=url), db, Path("/nowhere"), environ),
    ):
        sys.stdout.write("delivering\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


@asynccontextmanager
async def relaying(database_url: str, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The relay as a process that delivers; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crm_bridge.relay", database_url, url),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"delivering\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
