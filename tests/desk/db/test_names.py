"""Two systems never serve one desk under one name: each would take the calls of the other one."""

import asyncio
import signal
import sys

import pytest

from desk.db.names import NameTaken, named
from tests.rig.postgres import Cluster

HOLDS = """
import asyncio, sys
from desk.db.names import named

async def hold():
    async with named(sys.argv[1], "huisheng", "first"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""

pytestmark = pytest.mark.postgres


async def test_name_belongs_to_one_asterisk_and_its_processes(postgres: Cluster) -> None:
    url, other = await postgres.fresh(), await postgres.fresh()
    async with named(url, "huisheng", "first"), named(url, "huisheng", "first"):
        async with named(url, "huisheng-2", "second"), named(other, "huisheng", "second"):
            pass
        with pytest.raises(NameTaken, match=r"pbx\.system_name"):
            async with named(url, "huisheng", "second"):
                pass
    async with named(url, "huisheng", "second"):
        pass


async def test_name_is_free_again_when_its_process_is_killed(postgres: Cluster) -> None:
    url = await postgres.fresh()
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDS, url, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await asyncio.wait_for(holder.stdout.readline(), 60) == b"held\n"
    with pytest.raises(NameTaken):
        async with named(url, "huisheng", "second"):
            pass
    holder.send_signal(signal.SIGKILL)
    await holder.wait()
    async with asyncio.timeout(60):
        while True:
            try:
                async with named(url, "huisheng", "second"):
                    return
            except NameTaken:  # the server has not noticed yet
                await asyncio.sleep(0.05)


async def test_sqlite_is_for_one_system_and_holds_no_names() -> None:
    async with named("sqlite:///x.db", "huisheng", "first"):
        pass
