"""The closed loop: nothing is closed until the customer says so.

A customer complains, a ticket goes to his region's team, its agent solves it, we ring the customer
and ask. He says no, so it is opened again; solved again, asked again, he says yes, and only that
closes it. Then he rates us. Asterisk, the trunk, the chores, REST and the CRM are those of a real
line; only the two telephones are SIPp's.
"""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from ari_app.demo.errors import NoPersonError, StoryLateError, StoryRefusedError, StoryStrayedError
from ari_app.demo.lines import DemoLine, agents_port
from ari_app.demo.loop_line import NAME, NUMBER, TALK, WISH, answering, customers_port
from ari_app.demo.plan import TalkPlan, talk_plan
from ari_app.demo.rest import Agent, agent_of, rate
from ari_app.demo.stage import set_stage, token_of
from ari_app.demo.watch import LOOK_SECONDS, Audience, Watch
from ari_app.ivr.compiled import compile_menus
from ari_app.process import utc_now
from ari_app.prompts.cache import PromptCache, Prompts
from ari_app.settings import Settings
from ari_app.sip_caller import agent_phone, place_call
from crm_bridge.demo_crm import received
from desk import sla
from desk.timeline import Entry

MOST_SECONDS = 180.0
"""It takes about a minute."""
NOT_YET, YES = "2", "1"
FIRST_SOLUTION, SECOND_SOLUTION = "已更换主板", "已更换新机"
POINTS, PRAISE = 5, "处理及时"
MOST_CALLS = 4


@dataclass(frozen=True)
class Loop:
    """What became of it: as the API shows it to the agent (calls oldest first), the SMS that the
    customer got, and what the CRM received, in order of arrival. `seconds`: all in all.
    """

    ticket: dict[str, Any]
    history: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    confirmations: list[dict[str, Any]]
    sla: list[dict[str, Any]]
    surveys: list[dict[str, Any]]
    customer_score: float | None
    messages: list[dict[str, Any]]
    delivered: list[dict[str, Any]]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


async def closed_loop(line: DemoLine, rules: str, audience: Audience) -> Loop:
    """Play it on a private line with `loop_settings`.

    Args:
        rules: the rule set of routing, YAML; see `stage.rules_for`.

    Raises:
        NoPersonError: the menus lead to no agent.
        StoryLateError, StoryStrayedError, StoryRefusedError: it came otherwise; says where.
        CallerError: a telephone failed.
        DeskError: the rules cannot be used.
    """
    watch = Watch(line, audience)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return await _play(line, rules, watch)
    except TimeoutError as error:
        raise StoryLateError(watch.waiting_for, MOST_SECONDS) from error


async def _play(line: DemoLine, rules: str, watch: Watch) -> Loop:
    settings, began = line.settings, time.monotonic()
    tell = watch.chapter
    prompts = await asyncio.to_thread(
        PromptCache.prepare, settings.ivr, settings.state_dir / "prompts"
    )
    plan = await asyncio.to_thread(_talk, settings, prompts)
    await watch.during("what the line does by itself to begin", set_stage(line, rules))

    await tell("客户来电投诉 / a customer rings and complains")
    number = await _complaint(line, watch, plan)
    extension = str((watch.last("agent.answered").body or {})["agent"])
    async with agent_of(line.url, await token_of(line, extension)) as agent:
        await tell("坐席处理 / the agent sets to work")
        await _take_up(agent, number, settings)

        await tell("解决,短信告知,自动回访 / solved, told by SMS, and we ring the customer")
        asked = await _solved_and_asked(watch, prompts, agent, number, FIRST_SOLUTION, NOT_YET)
        reopened = await watch.until("the case to be opened again", "ticket.reopened", after=asked)

        await tell("没有解决:优先再处理 / it is not: opened again, and solved before others")
        await agent.change(number, "start")
        asked = await _solved_and_asked(watch, prompts, agent, number, SECOND_SOLUTION, YES)
        await watch.until("the case to be closed", "ticket.confirmed", after=reopened)

        await tell("客户评分 / the customer rates us")
        rated = await _rated(line, watch, asked)
        delivered = await _delivered(line, watch, number)
        watch.waiting_for = "the record of our calls"
        return await _result(line, watch, agent, number, rated, delivered, time.monotonic() - began)


def _talk(settings: Settings, prompts: Prompts) -> TalkPlan:
    plan = talk_plan(
        compile_menus(settings),
        prompts,
        settings.recording,
        settings.pbx.line_numbers[0],
        settings.company.home_area_code,
        utc_now(),
        number=NUMBER,
        name=NAME,
        talk=TALK,
    )
    if plan is None:
        raise NoPersonError
    return plan


async def _complaint(line: DemoLine, watch: Watch, plan: TalkPlan) -> str:
    """He talks with an agent, and hangs up. The number of his ticket, which has a team."""
    async with agent_phone(agents_port(line.settings), plan.agent, most_calls=MOST_CALLS):
        calling = place_call(plan.caller, line.target)
        result = await watch.during("the customer's call", calling)
        if result.status != 200:
            raise StoryRefusedError("the customer's call", result.status or 0, "see the SIP log")
        await watch.until("an agent's answer", "agent.answered")
        ended = await watch.until("the end of the customer's call", "call.ended")
    opened = await watch.until("the ticket", "ticket.opened", call_id=ended.call_id)
    await watch.until("the ticket to be routed", "ticket.routed", after=opened)
    return str((opened.body or {})["number"])


async def _take_up(agent: Agent, number: str, settings: Settings) -> None:
    needs = any(field.required for field in settings.tickets.fields.get(WISH, {}).values())
    if WISH in settings.tickets.types and not needs:
        await agent.change(number, "", {"type": WISH})
    await agent.change(number, "start")


async def _solved_and_asked(
    watch: Watch, prompts: Prompts, agent: Agent, number: str, solution: str, key: str
) -> Entry:
    """The agent solves it; the customer gets an SMS and our call, and answers by `key`. The call
    is over."""
    last = watch.entries[-1]
    phone = agent_phone(
        customers_port(watch.line.settings),
        await asyncio.to_thread(answering, prompts, key),
        most_calls=MOST_CALLS,
    )
    async with phone:
        await agent.change(number, "resolve", {"solution": solution})
        resolved = await watch.until("the solution", "ticket.resolved", after=last)
        await watch.until(
            "the SMS that tells of it", "message.sent", after=resolved, template="resolved"
        )
        await watch.until(
            "our call to the customer",
            "outbound.dialling",
            after=resolved,
            strays=("outbound.asked",),
        )
        answered = await watch.until(
            "the customer's answer by key",
            "outbound.done",
            after=resolved,
            strays=("outbound.asked",),
        )
        said = (answered.body or {})["outcome"]
        if said != ("solved" if key == YES else "not_solved"):
            raise StoryStrayedError(f"the key {key}", answered.kind, answered.body or {})
        call_id = (watch.last("outbound.dialling").body or {})["channel_id"]
        await watch.until("the end of our call", "call.ended", after=resolved, call_id=call_id)
    return resolved


async def _rated(line: DemoLine, watch: Watch, resolved: Entry) -> Entry:
    """The customer opens the link that he got by SMS."""
    sent = await watch.until("the survey's SMS", "message.sent", after=resolved, template="survey")
    text = next(
        one["text"] for one in _messages(line) if one["id"] == (sent.body or {})["message_id"]
    )
    base = line.settings.links.base_url
    link = next(word for word in text.split() if base in word)
    await rate(base + link.partition(base)[2], POINTS, PRAISE)
    return await watch.until("the customer's score", "survey.answered", after=sent)


def _messages(line: DemoLine) -> list[dict[str, Any]]:
    """The SMS that were sent, as the file has them."""
    file = line.settings.state_dir / "messages" / "sms.jsonl"
    return [json.loads(each) for each in file.read_text(encoding="utf-8").splitlines()]


async def _delivered(line: DemoLine, watch: Watch, number: str) -> list[dict[str, Any]]:
    watch.waiting_for = "the CRM to have everything"
    port = line.crm_port
    assert port is not None  # noqa: S101 - a private line has its own
    while True:
        found = await received(port, number)
        if any(message["type"] == "survey.answered" for message in found):
            return found
        await asyncio.sleep(LOOK_SECONDS)


async def _reckoned(line: DemoLine, watch: Watch) -> None:
    """Wait until the clocks that are stored say what the timeline does."""
    watch.waiting_for = "the service levels to be reckoned"
    with line.db.subscribe() as commits:
        while await line.db.read(sla.behind) is not None:
            await commits.wait(LOOK_SECONDS)


async def _result(
    line: DemoLine,
    watch: Watch,
    agent: Agent,
    number: str,
    rated: Entry,
    delivered: list[dict[str, Any]],
    seconds: float,
) -> Loop:
    ticket = f"/tickets/{number}"
    while True:
        calls = (await agent.read(f"{ticket}/outbound-calls"))["attempts"]
        if all(call["ended_at"] for call in calls):
            break
        await asyncio.sleep(LOOK_SECONDS)
    await _reckoned(line, watch)
    return Loop(
        ticket=await agent.read(ticket),
        history=(await agent.read(f"{ticket}/history"))["items"],
        calls=sorted(calls, key=lambda call: str(call["placed_at"])),
        confirmations=(await agent.read(f"{ticket}/confirmations"))["items"],
        sla=(await agent.read(f"{ticket}/sla"))["clocks"],
        surveys=(await agent.read(f"{ticket}/surveys"))["items"],
        customer_score=(rated.body or {}).get("customer_score"),
        messages=await asyncio.to_thread(_messages, line),
        delivered=delivered,
        seconds=round(seconds, 1),
    )
