"""Agents' own calls: the agent's telephone first, then the customer's, all on the ticket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from ari_app.ari import ChannelSnapshot, Events, StasisStart
from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    Answer,
    ExpectBye,
    HangUp,
    Speak,
    Wait,
    agent_phone,
)
from asterisk_conf.install import Installation
from desk import journal, recordings, timeline
from desk.outbound import NotDialled, Order, Request, attempts, limits, ordering, requests
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import TestLine, tianjin_mobile
from tests.e2e.outbound_rig import HELPER, customer, outbound_line, resolved_case

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

SECONDS = 30.0
TALKS = AgentPlan(rings=0.2, steps=(Wait(3), Speak("您好"), ExpectBye(30)))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    async with outbound_line(tmp_path_factory.mktemp("agents"), crm.url) as running:
        yield running


@asynccontextmanager
async def helper(line: TestLine, plan: AgentPlan = TALKS) -> AsyncIterator[AgentPhone]:
    """The agent's telephone."""
    contact = next(a.contact for a in line.settings.pbx.agents if a.extension == HELPER)
    async with agent_phone(int(str(contact).rpartition(":")[2]), plan, listen=True) as phone:
        yield phone


async def order(line: TestLine, key: str, **values: Any) -> Request | NotDialled:
    db, settings = line.running.line.db, line.settings.outbound
    new = Order(key, HELPER, **values)
    return await db.write(
        ordering.order, new, settings, line.running.line.now(), actor=f"agent:{HELPER}"
    )


async def entered(events: Events[StasisStart]) -> list[ChannelSnapshot]:
    """The channels that have come so far."""
    found = [await events.get(0) for _ in range(events.waiting())]
    return [event.channel for event in found if event is not None]


def place(name: str) -> int:
    """Of a channel among all that Asterisk has made, as it counts them itself."""
    return int(name.rpartition("-")[2], 16)


async def done(line: TestLine, request: Request | NotDialled) -> Request:
    assert isinstance(request, Request), request
    db, last = line.running.line.db, time.monotonic() + SECONDS
    with db.subscribe() as commits:
        while True:
            found = await db.read(requests.get, request.id)
            assert found is not None
            if found.state == "done":
                return found
            assert time.monotonic() < last, found
            await commits.wait(0.3)


async def test_click_brings_agent_and_customer_together_recorded_and_on_the_ticket(
    line: TestLine,
) -> None:
    number = tianjin_mobile()
    case = await resolved_case(line, "", on_file=number)
    answers = AgentPlan(rings=0.3, steps=(Wait(4), Speak("我要退款"), Wait(2), HangUp()))
    async with customer(line, answers) as phone, helper(line) as agent:
        with line.running.line.ari.listen(StasisStart) as starts:
            request = await done(line, await order(line, "click-1", ticket_id=case.ticket.id))
            legs = await entered(starts)
        assert len(agent.calls()) == 1
        assert f"INVITE sip:{number}@" in phone.messages[0].first_line
    (agents,) = {leg.name for leg in legs if leg.name.startswith(f"PJSIP/{HELPER}-")}
    (customers,) = {leg.name for leg in legs if leg.id == request.channel_id}
    assert place(agents) < place(customers), "the agent first"
    assert (request.outcome, request.attempts, request.purpose) == ("answered", 1, "click")
    db = line.running.line.db
    call = await db.read(journal.get, request.channel_id or "")
    assert call is not None
    assert (call.direction, call.ticket_id) == ("outbound", case.ticket.id)
    kept = {each.party for each in await db.read(recordings.of_call, call.id)}
    assert kept == {"caller", f"agent:{HELPER}", ""}
    (attempt,) = await db.read(attempts.of_request, request.id)
    assert (attempt.agent, attempt.consent, attempt.outcome) == (HELPER, "told", "answered")
    await line.quiet()


async def test_agent_who_does_not_answer_costs_the_customer_nothing(line: TestLine) -> None:
    async with (
        customer(line, AgentPlan()) as phone,
        helper(line, AgentPlan(rings=0.2, answer=Answer.DECLINES)),
    ):
        request = await done(line, await order(line, "click-2", number=tianjin_mobile()))
        assert phone.calls() == ()
    assert request.outcome == "agent_missed"
    assert await line.running.line.db.read(attempts.of_request, request.id) == []
    await line.quiet()


async def test_customer_who_is_busy_is_said_to_the_agent(line: TestLine) -> None:
    async with (
        customer(line, AgentPlan(rings=0.2, answer=Answer.IS_BUSY)),
        helper(line) as agent,
    ):
        request = await done(line, await order(line, "click-3", number=tianjin_mobile()))
        await agent.ended()
    assert request.outcome == "busy"
    assert line.running.line.queue.standing(HELPER).state != "busy"
    await line.quiet()


async def test_call_at_a_moment_is_placed_then(line: TestLine) -> None:
    at = line.running.line.now() + timedelta(seconds=2)
    answers = AgentPlan(rings=0.2, steps=(Wait(3), HangUp()))
    async with customer(line, answers), helper(line):
        wanted = await order(line, "moment", number=tianjin_mobile(), at=at)
        request = await done(line, wanted)
    assert (request.purpose, request.outcome) == ("scheduled", "answered")
    (attempt,) = await line.running.line.db.read(attempts.of_request, request.id)
    assert attempt.placed_at >= at
    await line.quiet()


async def test_toll_fraud_is_stopped_and_told(line: TestLine) -> None:
    db, now = line.running.line.db, line.running.line.now
    async with customer(line, AgentPlan()) as phone, helper(line) as agent:
        for number in ("0085223456789", "001190012345", "16812345", "4008123123"):
            assert isinstance(await order(line, f"fraud-{number}", number=number), NotDialled)
        # A stolen session that wants many calls: past the limit the agent's own does not ring.
        few = line.settings.outbound.model_copy(
            update={"limits": line.settings.outbound.limits.model_copy(update={"most_at_once": 1})}
        )
        held = requests.NewRequest("held", "click", "call", None, number="13820229999")
        await db.write(requests.add, held, now(), actor="test")
        busy = attempts.NewAttempt("huisheng-held", "click", "13820229999", "+8613820229999", "")
        assert await db.write(limits.begin, busy, few.limits, now()) is None
        refused = await db.write(
            ordering.order, Order("many", HELPER, number=tianjin_mobile()), few, now(), actor="x"
        )
        assert isinstance(refused, NotDialled)
        assert refused.cause == "most_at_once"
        await db.write(attempts.ended, "huisheng-held", "answered", now())
        await asyncio.sleep(0)
        assert phone.calls() == agent.calls() == ()
        # One that got into the desk past every gate, before the prefixes were narrowed.
        wanted = requests.NewRequest(
            "old", "scheduled", "call", now(), number="0085223456789", e164="+85223456789",
            agent=HELPER,
        )  # fmt: skip
        placed, _ = await db.write(requests.add, wanted, now(), actor="test")
        assert (await done(line, placed)).outcome == "prefix"
        assert await db.read(attempts.of_request, placed.id) == []
        assert phone.calls() == agent.calls() == ()
    entries = await db.read(timeline.entries_after, 0, 1000)
    causes = {e.body["cause"] for e in entries if e.kind == "outbound.alarm" and e.body}
    assert causes == {"prefix", "most_at_once"}
