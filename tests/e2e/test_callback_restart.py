"""The application is killed around a call-back: the customer is rung once all the same."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    CallPlan,
    ExpectBye,
    HangUp,
    Press,
    Wait,
    agent_phone,
    place_call,
)
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from desk import callbacks, journal, tickets
from desk.callbacks import Callback
from desk.db.engine import Database
from tests.e2e.test_restart import application, write_config
from tests.rig.ports import free_port

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

SECONDS = 60.0
CUSTOMER = "02281110001"
AGENT = "8001"


def with_callbacks(folder: Path) -> None:
    yaml, path = YAML(), folder / "config.yaml"
    config = yaml.load(path.read_text(encoding="utf-8"))
    config["outbound"]["trunk"] = "carrier"
    config["callback"] |= {"ring_seconds": 30, "retry_minutes": 0.1}
    config["queue"] |= {"unreachable_pause_seconds": 1, "unanswered_rings": 0}
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(config, file)


async def row_where(db: Database, **wanted: Any) -> Callback:
    async with asyncio.timeout(SECONDS):
        with db.subscribe() as commits:
            while True:
                row = await db.read(callbacks.get, 1)
                if row is not None and all(getattr(row, k) == v for k, v in wanted.items()):
                    return row
                await commits.wait(0.1)


async def talk_began(db: Database) -> None:
    async with asyncio.timeout(SECONDS):
        with db.subscribe() as commits:
            while "talk" not in [call.stage for call in await db.read(journal.unfinished)]:
                await commits.wait(0.1)


async def reach(moment: str, db: Database, customer: AgentPhone) -> None:
    """Wait for the moment to kill at."""
    match moment:
        case "waiting for an agent":
            await row_where(db, state="waiting")
        case "customer rings":
            await customer.rang()
        case "talk":
            await talk_began(db)


@pytest.mark.parametrize("moment", ["waiting for an agent", "customer rings", "talk"])
async def test_customer_is_called_back_exactly_once(
    moment: str, tmp_path: Path, installation: Installation
) -> None:
    port = free_port()
    contact = f"sip:{AGENT}@127.0.0.1:{port}"
    agents = [{"extension": AGENT, "name": "张敏", "team": "tianjin", "contact": contact}]
    agents.append({"extension": "8003", "name": "王芳", "team": "national"})
    pbx = write_config(tmp_path, agents=agents)
    with_callbacks(tmp_path)
    database = f"sqlite:///{tmp_path / 'var' / 'huisheng.db'}"
    paths = Paths.under(tmp_path / "var", installation.modules_dir)
    server = AsteriskServer(installation, pbx, secrets.load(tmp_path / "var", pbx), paths)
    asks = (Wait(0.5), Press(AGENT), Wait(2.5), Press("2"), ExpectBye(15))
    plan = CallPlan(CUSTOMER, pbx.line_numbers[0], asks)
    rings = 12.0 if moment == "customer rings" else 0.5
    answers = AgentPlan(rings=rings, steps=(Wait(9), HangUp()))
    takes = AgentPlan(rings=0.2, steps=(ExpectBye(60),))
    try:
        async with AsyncExitStack() as stack:
            carrier = agent_phone(int(pbx.trunks[0].port), answers)
            customer = await stack.enter_async_context(carrier)
            async with application(tmp_path) as first:
                result = await place_call(plan, f"127.0.0.1:{pbx.sip.port}")
                assert result.ended_by == "them"
                if moment != "waiting for an agent":
                    await stack.enter_async_context(agent_phone(port, takes))
                async with await Database.open(database) as db:
                    await reach(moment, db, customer)
                first.kill()
                await first.wait()
            if moment == "waiting for an agent":
                await stack.enter_async_context(agent_phone(port, takes))
            async with application(tmp_path), await Database.open(database) as db:
                row = await row_where(db, state="done")
            assert len(customer.calls()) == 1
        async with await Database.open(database) as db:
            found = await db.read(tickets.search)
            calls = await db.read(journal.search)
    finally:
        await server.start()
        await server.stop()
    assert (row.outcome, row.attempts) == ("answered", 1)
    assert len(found) == 1
    assert {call.direction: call.ticket_id for call in calls} == {
        "inbound": found[0].id,
        "outbound": found[0].id,
    }
