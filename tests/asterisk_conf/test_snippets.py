"""Can an administrator who has a PBX include our snippets, and does theirs stay theirs?"""

import asyncio
from pathlib import Path

import pytest

from asterisk_conf import ami, checks, secrets
from asterisk_conf import server as server_module
from asterisk_conf.install import Installation
from asterisk_conf.notes import read
from asterisk_conf.render import render, render_snippets
from asterisk_conf.secrets import Secrets
from asterisk_conf.server import AsteriskServer
from asterisk_conf.settings import PbxSettings
from tests.asterisk_conf.application import listening
from tests.asterisk_conf.conftest import CARRIER
from tests.rig.asterisk import LINE_NUMBER, pbx_settings, server_in
from tests.rig.ports import free_port
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk

OWN_PASSWORD = "administrators-own"


def administrators_files(pbx: PbxSettings, trunk_port: int) -> dict[str, str]:
    """A PBX as somebody else wrote it; only the #include lines know of us."""
    return {
        "extensions.conf": f"""
[general]
static=yes
[globals]
COMPANY=somebody
[incoming]
exten => 5000,1,Answer()
 same => n,Hangup()
include => huisheng-numbers
[internal]
exten => _9.,1,Dial(PJSIP/${{EXTEN:1}}@provider)
exten => 8000,1,Goto(huisheng-line,{LINE_NUMBER},1)
#include extensions_huisheng.conf
""",
        "pjsip.conf": f"""
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{pbx.sip.port}
[provider]
type=endpoint
context=incoming
disallow=all
allow=alaw
aors=provider
identify_by=ip
allow_transfer=no
[provider]
type=aor
contact=sip:{CARRIER}:{trunk_port}
[provider]
type=identify
endpoint=provider
match={CARRIER}
#include pjsip_huisheng.conf
""",
        "ari.conf": f"""
[general]
enabled=yes
[administrator]
type=user
password={OWN_PASSWORD}
#include ari_huisheng.conf
""",
        "manager.conf": f"""
[general]
enabled=yes
bindaddr=127.0.0.1
port={pbx.ami_port}
[administrator]
secret={OWN_PASSWORD}
read=all
write=all
#include manager_huisheng.conf
""",
        "queues.conf": "[general]\n[sales]\nstrategy=ringall\n#include queues_huisheng.conf\n",
    }


@pytest.fixture
async def theirs(tmp_path: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch):
    """Their PBX, running, with our snippets included; and their carrier."""
    pbx = pbx_settings(
        mode="existing",
        trunks=[],
        fallback_ring_seconds=5,
        agents=[{"extension": "8001", "name": "张敏", "team": "tianjin"}],
    )
    passwords: Secrets = secrets.load(tmp_path, pbx, {})
    trunk_port = free_port()

    def files(*arguments: object, **options: object) -> dict[str, str]:
        ours = render(*arguments, **options)  # type: ignore[arg-type]
        snippets = render_snippets(pbx, passwords)
        return {**ours, **snippets, **administrators_files(pbx, trunk_port)}

    monkeypatch.setattr(server_module, "render", files)
    server = server_in(tmp_path, installation, pbx)
    await server.start()
    carrier = await SipAgent.open(CARRIER, trunk_port, ("127.0.0.1", pbx.sip.port))
    yield server, carrier
    carrier.close()
    await server.stop()


async def test_their_pbx_starts_without_a_complaint(theirs: tuple[AsteriskServer, SipAgent]):
    server, _ = theirs
    assert server.complaints() == []


async def test_callers_on_their_trunk_reach_us_and_their_own_numbers(
    theirs: tuple[AsteriskServer, SipAgent],
):
    server, carrier = theirs
    async with listening(server) as application:
        call = carrier.invite(f"+86{LINE_NUMBER}")
        start = await application.event("StasisStart")
        assert start["args"] == ["line", LINE_NUMBER]
        await application.hang_up(start["channel"]["id"])
        assert (await call.final()).status >= 400
    assert read(server.paths.notes)[-1].channel_id == start["channel"]["id"]
    assert (await carrier.invite("5000").final()).status == 200


async def test_our_contexts_open_no_way_to_their_trunk(theirs: tuple[AsteriskServer, SipAgent]):
    _, carrier = theirs
    for user in ("913800138000", "8000", "8001", "huisheng-line", "s", "T"):
        assert (await carrier.invite(user).final()).status == 404
    assert carrier.invites == []


async def test_the_dialplan_serves_their_caller_when_we_are_down(
    theirs: tuple[AsteriskServer, SipAgent],
):
    server, carrier = theirs
    call = carrier.invite(LINE_NUMBER)
    assert (await call.final()).status == 200
    assert read(server.paths.notes)[-1].kind == "fallback"
    assert (await call.ask("BYE")).status == 200


async def test_our_users_may_log_in_and_theirs_are_untouched(
    theirs: tuple[AsteriskServer, SipAgent],
):
    server, _ = theirs
    assert [f for f in await checks.ari(server.pbx, server.secrets) if f.level == "fail"] == []
    async with ami.session(server.pbx, server.secrets) as session:
        endpoints = await session.rows("PJSIPShowEndpoints", "EndpointList")
        queues = await session.rows("QueueStatus", "QueueParams")
    assert {row["ObjectName"] for row in endpoints} == {"8001", "provider"}
    assert {row["Queue"] for row in queues} == {"huisheng", "sales"}
    shown = await asyncio.wait_for(server.cli("manager show users"), 5)
    assert "administrator" in shown
