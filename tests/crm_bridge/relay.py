"""A bridge in a process of its own, to be killed: `python -m tests.crm_bridge.relay DB URL`."""

import asyncio
import sys
from pathlib import Path

from crm_bridge.delivery import Bridge
from desk.db.engine import Database
from tests.crm_bridge.conftest import settings_for
from tests.crm_bridge.receiver import SECRET


async def relay(database_url: str, url: str) -> None:
    environ = {"HUISHENG_WEBHOOK_CRM_SECRET": SECRET}
    async with (
        await Database.open(database_url) as db,
        Bridge.of(settings_for(crm=url), db, Path("/nowhere"), environ),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
