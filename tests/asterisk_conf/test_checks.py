"""Does doctor find each thing that can be wrong with the PBX, and say the mend?"""

import asyncio
import os
from pathlib import Path

import pytest

from asterisk_conf import checks
from asterisk_conf.checks import Finding, Level
from asterisk_conf.install import Installation
from asterisk_conf.secrets import Secrets
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import PbxSettings
from tests.asterisk_conf.conftest import HOTLINE, World
from tests.rig.asterisk import BootAsterisk, pbx_settings
from tests.rig.ports import free_port
from tests.rig.sip import SipAgent

WRONG = Secrets("wrong", "wrong", {})


def worst(found: list[Finding]) -> Level:
    levels: list[Level] = ["ok", "warn", "fail"]
    return max((finding.level for finding in found), key=levels.index, default="ok")


@pytest.mark.asterisk
async def test_a_healthy_pbx_has_no_failure(asterisk: AsteriskServer, tmp_path: Path):
    found = await checks.findings(asterisk.pbx, asterisk.secrets, tmp_path)
    assert [finding for finding in found if finding.level == "fail"] == []
    assert all(finding.mend for finding in found if finding.level != "ok")


async def test_a_pbx_that_does_not_run_is_found_with_its_mend():
    pbx = pbx_settings()
    for found in (await checks.ari(pbx, WRONG), await checks.manager(pbx, WRONG)):
        (finding,) = found
        assert finding.level == "fail"
        assert "not reachable" in finding.what
        assert finding.mend


@pytest.mark.asterisk
async def test_a_wrong_password_is_told_from_a_dead_pbx(asterisk: AsteriskServer):
    for found in (
        await checks.ari(asterisk.pbx, WRONG),
        await checks.manager(asterisk.pbx, WRONG),
    ):
        (finding,) = found
        assert finding.level == "fail"
        assert "refuses user huisheng" in finding.what
        assert "huisheng pbx render" in finding.mend


async def test_something_else_on_the_ari_port_is_no_crash():
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{")
            await writer.drain()
        finally:
            writer.close()

    pbx = pbx_settings(http_port=free_port())
    async with await asyncio.start_server(answer, "127.0.0.1", pbx.http_port):
        assert worst(await checks.ari(pbx, WRONG)) == "fail"


def test_modules_that_do_not_run_are_named():
    modules = [
        {"name": f"{name}.so", "status": "Running"}
        for name in checks.NEEDED_RUNNING
        if name != "chan_websocket"
    ]
    modules.append({"name": "chan_websocket.so", "status": "Not Running"})
    found = checks._ari_findings({"system": {"version": "22.10.1"}}, modules)
    assert [f.what for f in found if f.level == "fail"] == [
        "缺少模块 / modules that we need do not run: chan_websocket"
    ]


@pytest.mark.parametrize(
    ("version", "level"),
    [("22.10.1", "ok"), ("22.10.2+dfsg-1", "warn"), ("23.1.0", "warn"), ("20.6.0", "fail")],
)
def test_another_version_than_the_tested_one_is_told(version: str, level: Level):
    found = checks._ari_findings({"system": {"version": version}}, [])
    assert found[0].level == level


def test_the_installed_version_is_compared_with_the_tested_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checks.install, "VERSION_TESTED", (22, 9, 0))
    assert worst(checks.installed(PbxSettings())) == "warn"
    monkeypatch.setattr(checks.install, "VERSION_TESTED", installation.version)
    assert worst(checks.installed(PbxSettings())) == "ok"


def test_no_asterisk_at_all_is_a_failure_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (finding,) = checks.installed(PbxSettings(binary=tmp_path / "none"))
    assert finding.level == "fail"
    assert "scripts/setup-asterisk" in finding.mend


def test_prompts_that_the_fallback_needs_are_looked_for(tmp_path: Path):
    assert "nobody, beep, thanks" in checks.sounds(PbxSettings(), tmp_path)[0].what
    folder = tmp_path / "sounds" / "huisheng"
    folder.mkdir(parents=True)
    for name in ("nobody.alaw", "beep.wav", "thanks.sln"):
        (folder / name).touch()
    assert worst(checks.sounds(PbxSettings(), tmp_path)) == "ok"


def test_running_as_root_is_warned_of(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert worst(checks.privileges(PbxSettings())) == "warn"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert checks.privileges(PbxSettings()) == []


PROC_NET_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:13AE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0100007F:1F98 0100007F:B000 01 00000000:00000000 00:00000000 00000000     0        0 3 1
"""


def test_an_interface_open_to_other_machines_is_seen_in_the_kernels_table():
    assert checks.listening(PROC_NET_TCP, 8088) == {"00000000"}
    assert checks.listening(PROC_NET_TCP, 5038) == {"0100007F"}
    assert checks.listening(PROC_NET_TCP, 80) == set()
    assert checks.listening("", 80) == set()


@pytest.mark.asterisk
def test_our_asterisk_is_not_open_to_other_machines(asterisk: AsteriskServer):
    assert checks.listeners(asterisk.pbx) == []


@pytest.mark.asterisk
async def test_an_endpoint_that_asterisk_does_not_know_is_found(asterisk: AsteriskServer):
    agents = [{"extension": "8009", "name": "新人", "team": "tianjin"}]
    pbx = asterisk.pbx.model_validate({**asterisk.pbx.model_dump(), "agents": agents})
    found = await checks.manager(pbx, asterisk.secrets)
    assert "8009" in next(finding.what for finding in found if finding.level == "fail")


@pytest.mark.asterisk
async def test_a_registered_trunk_is_told_from_one_that_is_not(fresh_asterisk: BootAsterisk):
    """Both carriers are sockets: one says 200 to REGISTER, the other says nothing."""
    ports = free_port(), free_port()
    pbx = pbx_settings(
        trunks=[
            {
                "kind": "registration",
                "name": name,
                "server": HOTLINE,
                "port": port,
                "username": "4001234567",
                "qualify_seconds": 0,
            }
            for name, port in zip(("good", "mute"), ports, strict=True)
        ]
    )
    server = ("127.0.0.1", pbx.sip.port)
    good = await SipAgent.open(HOTLINE, ports[0], server)
    mute = await SipAgent.open(HOTLINE, ports[1], server, other_answer=0)
    try:
        asterisk = fresh_asterisk(
            pbx, environ={"HUISHENG_TRUNK_GOOD_PASSWORD": "x", "HUISHENG_TRUNK_MUTE_PASSWORD": "y"}
        )
        async with asyncio.timeout(20):
            await good.arrived.wait()
        found = {
            finding.what.partition(" / trunk ")[2].split()[0]: finding.level
            for finding in await checks.manager(pbx, asterisk.secrets)
            if " / trunk " in finding.what
        }
        assert found == {"good": "ok", "mute": "fail"}
        register = good.requests[0]
        assert "sip:4001234567@" in register.headers["contact"]
    finally:
        good.close()
        mute.close()


def test_no_trunk_means_nobody_can_call_in():
    assert worst(checks.trunks(PbxSettings(), [], [])) == "warn"


@pytest.mark.asterisk
async def test_the_trunk_of_a_dead_carrier_is_found(world: World, guarded: AsteriskServer):
    found = await checks.manager(guarded.pbx, guarded.secrets)
    assert worst(found) == "ok"
