"""A waiting caller asks to be called back and hangs up: an agent and he are brought together, once,
and both calls are one ticket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ari_app.process import running_line
from ari_app.settings import load
from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    Answer,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Wait,
    agent_phone,
)
from asterisk_conf.install import Installation
from desk import callbacks, journal, recordings, tickets, timeline, utterances
from desk.callbacks import Callback
from desk.journal import Call
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import Clock, Story, TestLine, tianjin, tianjin_mobile, write_config
from tests.rig import ports

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

SECONDS = 25.0
SAYS = "我要退款"
RETRY_SECONDS = 2.0
GREETING = "您好,这是您要求的回电"  # long enough to hang up in
HELPER = "8021"  # whose telephone is switched on once somebody waits for a call-back
ASKS = (Wait(0.3), Press(HELPER), Wait(2.5), Press("2"), ExpectBye(15))


def with_callbacks(config: Path, **values: Any) -> None:
    """Let the line call back over its only trunk."""
    data = json.loads(config.read_text(encoding="utf-8"))
    data["outbound"]["trunk"] = "carrier"
    data["callback"] |= {
        "ring_seconds": 5,
        "retry_minutes": RETRY_SECONDS / 60,
        **values,
    }
    data["ivr"]["prompts"]["callback_greeting"] = GREETING
    data["queue"] |= {"unreachable_pause_seconds": 1, "most_wait_seconds": 20}
    config.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def calling_line(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    clock = Clock()
    config = write_config(tmp_path_factory.mktemp("callback"), crm.url)
    with_callbacks(config)
    ports.keep()
    settings = load(config)
    async with running_line(settings, config=config, own_lifetime=True, now=clock) as running:
        yield TestLine(running, clock, config)


def carrier_port(line: TestLine) -> int:
    return int(line.settings.pbx.trunks[0].port)


@asynccontextmanager
async def helper(line: TestLine, plan: AgentPlan) -> AsyncIterator[AgentPhone]:
    """The agent's telephone, switched on."""
    contact = next(a.contact for a in line.settings.pbx.agents if a.extension == HELPER)
    async with agent_phone(int(contact.rpartition(":")[2]), plan, listen=True) as phone:
        yield phone


@asynccontextmanager
async def busy_agent(line: TestLine) -> AsyncIterator[None]:
    """The agent has a call of another's, so that a caller has to wait."""
    queue = line.running.line.queue
    queue.busy(HELPER, "another")
    try:
        yield
    finally:
        queue.free(HELPER, "another")


async def only_row(line: TestLine, call: Call) -> Callback:
    (row,) = [
        row
        for number in range(1, 50)
        if (row := await line.running.line.db.read(callbacks.get, number)) is not None
        and row.call_id == call.id
    ]
    return row


async def done(line: TestLine, call: Call) -> Callback:
    """The request of this call, once it is done."""
    db = line.running.line.db
    async with asyncio.timeout(SECONDS):
        with db.subscribe() as commits:
            while (row := await only_row(line, call)).state != "done":
                await commits.wait(0.5)
    return row


async def postponed(line: TestLine, call: Call) -> Callback:
    """The request of this call, once its first attempt is over."""
    db = line.running.line.db
    async with asyncio.timeout(SECONDS):
        with db.subscribe() as commits:
            while (row := await only_row(line, call)).attempts == 0 or row.state == "dialling":
                await commits.wait(0.5)
    return row


async def placed(line: TestLine, story: Story) -> list[Call]:
    """The calls to this customer, the newest first."""
    assert story.call.caller.e164
    calls = await line.running.line.db.read(journal.search, e164=story.call.caller.e164)
    return [call for call in calls if call.direction == "outbound"]


async def test_customer_is_rung_talks_and_everything_is_one_ticket(calling_line: TestLine) -> None:
    line = calling_line
    answers = AgentPlan(rings=0.5, steps=(Wait(6), Speak(SAYS), Wait(2.5), HangUp()))
    agent = AgentPlan(rings=0.3, steps=(Wait(4), Speak("您好"), ExpectBye(30)))
    number = tianjin_mobile()
    async with agent_phone(carrier_port(line), answers, listen=True) as customer:
        story = await line.call(number, *ASKS)
        assert story.result.ended_by == "them"
        assert story.ticket is not None
        assert story.ticket.type == "callback"
        assert "callback.requested" in story.kinds
        async with helper(line, agent):
            row = await done(line, story.call)
        (rung,) = customer.calls()
    assert (row.outcome, row.attempts, row.number) == ("answered", 1, number)
    assert rung.heard, "the customer hears something"
    assert f"INVITE sip:{number}@" in customer.messages[0].first_line
    (call,) = await placed(line, story)
    assert call.ticket_id == story.ticket.id
    assert call.cause == "hangup"
    db = line.running.line.db
    said = await db.read(utterances.transcript, call.id)
    assert "".join(one.text for one in said if one.party == "caller") == SAYS
    kept = await db.read(recordings.of_call, call.id)
    assert {one.party for one in kept} == {"caller", f"agent:{HELPER}", ""}
    ticket = await db.read(tickets.get, story.ticket.id)
    assert ticket is not None
    assert ticket.summary == SAYS
    assert len(await db.read(tickets.search)) == 1
    told = [e.kind for e in await db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)]
    assert [kind for kind in told if kind.startswith("callback.")] == [
        "callback.requested",
        "callback.dialling",
        "callback.done",
    ]
    await line.quiet()


async def test_customer_who_did_not_answer_is_rung_again(calling_line: TestLine) -> None:
    line = calling_line
    async with helper(line, AgentPlan(rings=0.2, steps=(ExpectBye(30),))) as agent:
        async with agent_phone(carrier_port(line), AgentPlan(rings=0.2, answer=Answer.IS_BUSY)):
            async with busy_agent(line):
                story = await line.call(tianjin(), *ASKS)
            row = await postponed(line, story.call)
            assert (row.outcome, row.attempts) == ("busy", 1)
        answers = AgentPlan(rings=0.2, steps=(Wait(6), HangUp()))
        async with agent_phone(carrier_port(line), answers) as customer:
            row = await done(line, story.call)
            assert len(customer.calls()) == 1
        assert len(agent.calls()) == 2
    assert (row.outcome, row.attempts) == ("answered", 2)
    again, first = await placed(line, story)
    assert (first.cause, first.ticket_id) == ("busy", again.ticket_id)
    await line.quiet()


async def test_customer_never_reached_is_told_in_the_ticket(calling_line: TestLine) -> None:
    line = calling_line
    away = AgentPlan(rings=0.2, answer=Answer.DECLINES)
    agent = helper(line, AgentPlan(rings=0.2, steps=(ExpectBye(30),)))
    async with agent, agent_phone(carrier_port(line), away) as customer:
        async with busy_agent(line):
            story = await line.call(tianjin(), *ASKS)
        row = await done(line, story.call)
        assert len(customer.calls()) == 3
    assert (row.outcome, row.attempts) == ("unreachable", 3)
    assert story.ticket is not None
    db = line.running.line.db
    told = await db.read(timeline.entries_after, 0, 500, ticket_id=story.ticket.id)
    (end,) = [entry for entry in told if entry.kind == "callback.done"]
    assert end.body is not None
    assert end.body["outcome"] == "unreachable"
    await line.quiet()


async def test_agent_who_hangs_up_before_the_talk_costs_the_customer_nothing(
    calling_line: TestLine,
) -> None:
    line = calling_line
    answers = AgentPlan(rings=0.2, steps=(ExpectBye(30),))
    leaves = AgentPlan(rings=0.2, steps=(Wait(2), HangUp()))
    async with agent_phone(carrier_port(line), answers) as customer:
        async with helper(line, leaves) as agent:
            async with busy_agent(line):
                story = await line.call(tianjin(), *ASKS)
            row = await done(line, story.call)
            assert len(agent.calls()) == 2, "the second time they talk"
        assert len(customer.calls()) == 1
    assert (row.outcome, row.attempts) == ("answered", 1)
    await line.quiet()
