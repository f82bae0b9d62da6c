"""The application is killed while people talk: the talk goes on, and so does what is kept of it."""

import asyncio
from pathlib import Path

import pytest

from ari_app.sip_caller import AgentPlan, CallPlan, ExpectBye, HangUp, Press, Speak, Wait, agent_phone, place_call
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from desk import journal, recordings, tickets, utterances
from desk.db.engine import Database
from tests.e2e.test_restart import START_SECONDS, application, write_config
from tests.rig.ports import free_port

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]


async def in_stage(url: str, *stages: str) -> None:
    async with await Database.open(url) as db, asyncio.timeout(START_SECONDS):
        with db.subscribe() as commits:
            while [call.stage for call in await db.read(journal.unfinished)] != list(stages):
                await commits.wait(0.1)


async def test_a_talk_goes_on(tmp_path: Path, installation: Installation) -> None:
    port = free_port()
    agents = [{"extension": "8003", "name": "王芳", "team": "national"}, {"extension": "8001", "name": "张敏", "team": "tianjin", "contact": f"sip:8001@127.0.0.1:{port}"}]
    pbx = write_config(tmp_path, agents=agents)
    target, number = f"127.0.0.1:{pbx.sip.port}", pbx.line_numbers[0]
    database = f"sqlite:///{tmp_path / 'var' / 'huisheng.db'}"
    server = AsteriskServer(installation, pbx, secrets.load(tmp_path / "var", pbx), Paths.under(tmp_path / "var", installation.modules_dir))
    plan = CallPlan("02281110001", number, (Wait(1), Press("8001"), Wait(6), Speak("我要退款"), Wait(8), Speak("产品质量太差了"), Wait(3), HangUp()))
    says = AgentPlan(rings=0.2, steps=(Wait(1), Speak("您好"), ExpectBye(60)))
    try:
        async with agent_phone(port, says, listen=True):
            async with application(tmp_path) as first:
                call = asyncio.create_task(place_call(plan, target))
                await in_stage(database, "talk")
                await asyncio.sleep(5)
                first.kill()
                await first.wait()
            await asyncio.sleep(2)
            async with application(tmp_path):
                result = await call
                assert result.ended_by == "us"
                async with await Database.open(database) as db, asyncio.timeout(30):
                    with db.subscribe() as commits:
                        while await db.read(journal.unfinished) or await db.read(recordings.untranscribed):
                            await commits.wait(0.1)
            async with await Database.open(database) as db:
                (ticket,) = await db.read(tickets.search)
                (one,) = await db.read(journal.search)
                said = await db.read(utterances.transcript, one.id)
                kept = await db.read(recordings.of_call, one.id)
    finally:
        await server.start()
        await server.stop()
    for u in said: print(u.party, u.at, u.text, u.live, u.engine)
    for r in kept: print(r)
    print(ticket)
    assert "".join(u.text for u in said if u.party == "caller") == "我要退款产品质量太差了"
    assert ticket.summary
