"""The application is killed with callers on the line: nobody is dropped, each call has a ticket."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.sip_caller import CallPlan, ExpectBye, HangUp, Press, Speak, Wait, place_call
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import PbxSettings
from desk import journal, tickets
from desk.db.engine import Database
from tests.e2e.line_rig import CONFIG, SHORT
from tests.rig.asterisk import pbx_settings
from tests.rig.ports import free_port

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

HUISHENG = Path(sys.executable).parent / "huisheng"
START_SECONDS = 30


def write_config(folder: Path, **pbx_values: Any) -> PbxSettings:
    """config.yaml with short prompts, always open, on free ports, its state beside it."""
    yaml = YAML()
    config = yaml.load(CONFIG.read_text(encoding="utf-8"))
    pbx = pbx_settings(lease_seconds=30, **pbx_values)
    config["pbx"] = pbx.model_dump(mode="json")
    config["ivr"]["prompts"] = dict.fromkeys(config["ivr"]["prompts"], SHORT)
    config["ivr"]["schedules"]["day"]["workday"] = ["00:00-24:00"]
    config["ivr"]["schedules"]["day"]["restday"] = ["00:00-24:00"]
    for menu in config["ivr"]["menus"].values():
        menu["timeout_seconds"] = 8
    config["api"]["port"] = free_port()
    config["bridge"]["targets"] = []
    with (folder / "config.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(config, file)
    return pbx


@asynccontextmanager
async def application(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`huisheng run`, ready to serve; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        HUISHENG, "run", "--config", folder / "config.yaml", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(START_SECONDS):
            while "拨打".encode() not in said:
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        drain = asyncio.create_task(process.stderr.read())
        yield process
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 30)
        await drain
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def both_in_the_menu(url: str) -> None:
    """Wait until the journal says so of two calls."""
    async with await Database.open(url) as db, asyncio.timeout(START_SECONDS):
        with db.subscribe() as commits:
            while [call.stage for call in await db.read(journal.unfinished)] != ["menu", "menu"]:
                await commits.wait(0.1)


async def test_callers_in_the_menu_go_on_where_they_were_and_lost_calls_become_tickets(
    tmp_path: Path, installation: Installation
) -> None:
    pbx = write_config(tmp_path)
    target, number = f"127.0.0.1:{pbx.sip.port}", pbx.line_numbers[0]
    database = f"sqlite:///{tmp_path / 'var' / 'huisheng.db'}"
    server = AsteriskServer(
        installation,
        pbx,
        secrets.load(tmp_path / "var", pbx),
        Paths.under(tmp_path / "var", installation.modules_dir),
    )
    stays = CallPlan(
        "02281110001",
        number,
        (Wait(9), Press("1"), Wait(2.5), Speak("我要退款"), Wait(0.6), Press("#"), ExpectBye(30)),
    )
    leaves = CallPlan("02281110002", number, (Wait(3.5), HangUp()))
    try:
        async with application(tmp_path) as first:
            calls = [asyncio.create_task(place_call(plan, target)) for plan in (stays, leaves)]
            await both_in_the_menu(database)
            first.kill()
            await first.wait()
        await calls[1]
        async with application(tmp_path):
            stayed = await calls[0]
            assert stayed.ended_by == "them"
        async with await Database.open(database) as db:
            assert await db.read(journal.unfinished) == []
            found = {t.caller.input: t for t in await db.read(tickets.search)}
    finally:
        await server.start()
        await server.stop()
    assert found["02281110001"].type == "complaint"
    assert found["02281110001"].description == "我要退款"
    assert found["02281110002"].type == "abandoned"
