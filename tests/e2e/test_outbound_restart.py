"""The application is killed around the call that asks a customer: he is called once all the same,
and what he pressed holds."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ari_app.sip_caller import AgentPhone, AgentPlan, ExpectBye, Press, Wait, agent_phone
from desk import journal, tickets
from desk.db.engine import Database
from desk.outbound import Request, attempts, requests
from desk.tickets import Ticket
from tests.e2e.process_rig import Site, site

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

CUSTOMER = "13820220001"
SECONDS, LOOK_SECONDS = 60.0, 0.05
PRESSES = tuple(step for _ in range(14) for step in (Wait(2.2), Press("1")))


def with_outbound(config: dict[str, Any]) -> None:
    config["outbound"] |= {
        "trunk": "carrier",
        "shown_number": "02288880000",
        "ring_seconds": 30,
        "hours": ["00:00-24:00"],
    }
    config["outbound"]["confirm"] |= {
        "answer_seconds": 12,
        "retry_minutes": 0.02,
        "salutation": None,
    }
    config["pbx"]["lease_seconds"] = 30


async def resolved(one: Site) -> int:
    """A case of the customer's, which its handler has just solved; its id."""
    made = await one.client.post(
        "/api/v1/tickets", json={"type": "complaint", "subject": "投诉", "number": CUSTOMER}
    )
    assert made.is_success, made.text
    number, etag = made.json()["number"], made.headers["ETag"]
    for step, body in (
        ("assign", {"assignee": "agent:8001"}),
        ("start", None),
        ("resolve", {"solution": "换了主板"}),
    ):
        answer = await one.client.post(
            f"/api/v1/tickets/{number}/{step}", json=body, headers={"If-Match": etag}
        )
        assert answer.is_success, answer.text
        etag = answer.headers["ETag"]
    found = tickets.ticket_id_of(number)
    assert found is not None
    return found


async def reached(one: Site, db: Database, moment: str, customer: AgentPhone) -> None:
    """Wait for the moment to kill at."""
    if moment == "rings":
        await customer.rang()
        return
    key = {"identified": "identified", "pressed": "answer"}[moment]
    last = time.monotonic() + SECONDS
    while True:
        calls = await db.read(journal.search)
        if any(key in call.state.get("confirm", {}) for call in calls):
            return
        assert time.monotonic() < last, (calls, one.processes[-1].words)
        await asyncio.sleep(LOOK_SECONDS / 5)


async def done(one: Site, db: Database) -> Request:
    last = time.monotonic() + SECONDS
    while True:
        found = await db.read(requests.search)
        if found and found[0].state == "done":
            return found[0]
        assert time.monotonic() < last, (found, one.processes[-1].words)
        await asyncio.sleep(LOOK_SECONDS)


@pytest.mark.parametrize("moment", ["rings", "identified", "pressed"])
async def test_customer_is_called_once_and_his_key_closes_the_case(
    moment: str, tmp_path: Path
) -> None:
    async with site(tmp_path / "site", with_outbound) as one:
        rings = 12.0 if moment == "rings" else 0.2
        answers = AgentPlan(rings=rings, steps=(*PRESSES, ExpectBye(20)))
        port = int(one.settings.pbx.trunks[0].port)
        async with agent_phone(port, answers) as customer:
            first = await one.start()
            ticket_id = await resolved(one)
            async with await Database.open(one.settings.database_url) as db:
                await reached(one, db, moment, customer)
                first.send(signal.SIGKILL)
                await first.ended()
                second = await one.start()
                request = await done(one, db)
                ticket = await db.read(tickets.get, ticket_id)
                made = await db.read(attempts.of_request, request.id)
                said = await db.read(tickets.confirmations.of_ticket, ticket_id)
            assert isinstance(ticket, Ticket)
            assert (request.outcome, request.attempts, ticket.status) == ("solved", 1, "closed")
            assert len(made) == len(said) == len(customer.calls()) == 1
            assert said[0].call_id == made[0].id
            assert "Traceback" not in second.words, second.words
