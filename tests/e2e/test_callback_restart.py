"""The application is killed around a call-back: the customer is rung once all the same."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    ExpectBye,
    HangUp,
    Press,
    Wait,
    agent_phone,
)
from asterisk_conf.install import Installation
from desk import callbacks, journal, tickets
from desk.callbacks import Callback
from desk.db.engine import Database
from tests.e2e.process_rig import site
from tests.rig.ports import free_port

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

SECONDS = 60.0
CUSTOMER = "02281110001"
AGENT = "8001"


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
            while not any(call.state.get("talked") for call in await db.read(journal.unfinished)):
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

    def with_callbacks(data: dict[str, Any]) -> None:
        contact = f"sip:{AGENT}@127.0.0.1:{port}"
        data["pbx"]["agents"] = [
            {"extension": AGENT, "name": "张敏", "team": "waiters", "contact": contact}
        ]
        data["outbound"]["trunk"] = "carrier"
        data["callback"] |= {"ring_seconds": 30, "retry_minutes": 0.1}
        data["queue"] |= {"unreachable_pause_seconds": 1, "unanswered_rings": 0}

    asks = (Wait(0.5), Press(AGENT), Wait(2.5), Press("2"), ExpectBye(15))
    rings = 18.0 if moment == "customer rings" else 0.5
    answers = AgentPlan(rings=rings, steps=(Wait(9), HangUp()))
    takes = AgentPlan(rings=0.2, steps=(ExpectBye(60),))
    async with site(tmp_path, with_callbacks) as one, AsyncExitStack() as stack:
        carrier = agent_phone(int(one.settings.pbx.trunks[0].port), answers)
        customer = await stack.enter_async_context(carrier)
        db = await stack.enter_async_context(await Database.open(one.settings.database_url))
        first = await one.start()
        result = await one.call(CUSTOMER, *asks)
        assert result.ended_by == "them"
        if moment != "waiting for an agent":
            await stack.enter_async_context(agent_phone(port, takes))
        await reach(moment, db, customer)
        await first.kill()
        if moment == "waiting for an agent":
            await stack.enter_async_context(agent_phone(port, takes))
        await one.start()
        row = await row_where(db, state="done")
        assert len(customer.calls()) == 1
        found = await db.read(tickets.search)
        calls = await db.read(journal.search)
    assert (row.outcome, row.attempts) == ("answered", 1)
    assert len(found) == 1
    assert {call.direction: call.ticket_id for call in calls} == {
        "inbound": found[0].id,
        "outbound": found[0].id,
    }
