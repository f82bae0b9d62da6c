"""Placing the demo's calls and following each in the desk until the CRM has its ticket."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ari_app.demo.errors import NoPersonError
from ari_app.demo.lines import DemoLine, agents_port
from ari_app.demo.plan import NUMBER, caller_plan, talk_plan
from ari_app.ivr.compiled import compile_menus
from ari_app.process import utc_now
from ari_app.prompts.cache import PromptCache, Prompts
from ari_app.settings import Settings
from ari_app.sip_caller import CallPlan, CallResult, agent_phone, place_call
from crm_bridge.demo_crm import received
from desk import journal, recordings, tickets, timeline, utterances
from desk.api.models import CallDetail, CallOut, RecordingOut, TicketOut, UtteranceOut
from desk.timeline import Entry

LOOK_SECONDS = 0.2
DELIVERY_SECONDS = 10.0
PAGE = 200


@dataclass(frozen=True)
class Story:
    """What became of the call: as the API shows it, and what the CRM received of its ticket.

    `transcript` is what was said in a talk, in order; a message's words are with its recording.
    """

    call: dict[str, Any]
    ticket: dict[str, Any] | None
    transcript: list[dict[str, Any]]
    delivered: list[dict[str, Any]]


async def demo_call(line: DemoLine, tell: Callable[[Entry], None]) -> Story:
    """Place the call; `tell` hears each entry of its timeline as it is written.

    Raises:
        CallerError: SIPp is missing, or the line did not answer.
        TimeoutError: the call was not over and transcribed in time.
    """
    settings = line.settings
    plan = caller_plan(
        compile_menus(settings),
        await _prompts(settings),
        settings.pbx.line_numbers[0],
        settings.company.home_area_code,
        utc_now(),
    )
    return await _placed(line, plan, tell)


async def demo_talk(line: DemoLine, tell: Callable[[Entry], None]) -> Story:
    """The same for a caller who asks for a person, and an agent who answers, on a `staffed` line.

    Raises:
        NoPersonError: the menus lead to none.
        CallerError, TimeoutError: as for `demo_call`.
    """
    settings = line.settings
    prompts = await _prompts(settings)
    plan = await asyncio.to_thread(
        talk_plan,
        compile_menus(settings),
        prompts,
        settings.recording,
        settings.pbx.line_numbers[0],
        settings.company.home_area_code,
        utc_now(),
    )
    if plan is None:
        raise NoPersonError
    async with agent_phone(agents_port(settings), plan.agent, most_calls=10):
        return await _placed(line, plan.caller, tell)


async def _prompts(settings: Settings) -> Prompts:
    folder = settings.state_dir / "prompts"
    return await asyncio.to_thread(PromptCache.prepare, settings.ivr, folder)


async def _placed(line: DemoLine, plan: CallPlan, tell: Callable[[Entry], None]) -> Story:
    seq = await line.db.read(timeline.last_seq)
    calling = asyncio.create_task(place_call(plan, line.target), name="demo caller")
    try:
        call_id = await _follow(line, seq, calling, tell)
    finally:
        calling.cancel()
    return await _read(line, call_id)


async def _follow(
    line: DemoLine, seq: int, calling: "asyncio.Task[CallResult]", tell: Callable[[Entry], None]
) -> str:
    """Tell the call's entries until it is over and transcribed; returns its id."""
    call_id = ""
    with line.db.subscribe() as commits:
        while True:
            for entry in await line.db.read(timeline.entries_after, seq, PAGE):
                seq = entry.seq
                if not call_id and _is_ours(entry):
                    call_id = entry.call_id or ""
                if call_id and entry.call_id == call_id:
                    tell(entry)
            if calling.done():
                calling.result()  # what went wrong with SIPp
                if call_id and await _is_over(line, call_id):
                    return call_id
            await commits.wait(LOOK_SECONDS)


def _is_ours(entry: Entry) -> bool:
    return entry.kind == "call.received" and (entry.body or {})["caller"]["caller_id"] == NUMBER


async def _is_over(line: DemoLine, call_id: str) -> bool:
    call = await line.db.read(journal.get, call_id)
    if call is None or call.ended_at is None:
        return False
    made = await line.db.read(recordings.of_call, call_id)
    return all(recording.state != "recorded" for recording in made)


async def _read(line: DemoLine, call_id: str) -> Story:
    call = await line.db.read(journal.get, call_id)
    assert call is not None  # noqa: S101 - it was just seen
    made = []
    for recording in await line.db.read(recordings.of_call, call_id):
        found = await line.db.read(recordings.transcript_of, recording.id)
        made.append(RecordingOut.of(recording, found, masked=False))
    detail = CallDetail(**CallOut.of(call, masked=False).model_dump(), recordings=made)
    ticket = await line.db.read(tickets.get, call.ticket_id) if call.ticket_id else None
    said = await line.db.read(utterances.transcript, call_id)
    return Story(
        call=detail.model_dump(mode="json"),
        ticket=TicketOut.of(ticket, masked=False).model_dump(mode="json") if ticket else None,
        transcript=[UtteranceOut.of(one, masked=False).model_dump(mode="json") for one in said],
        delivered=await _delivered(line, ticket.number) if ticket else [],
    )


async def _delivered(line: DemoLine, number: str) -> list[dict[str, Any]]:
    """What the built-in demo CRM has of this ticket; empty where the CRM is another one."""
    if line.crm_port is None:
        return []
    async with asyncio.timeout(DELIVERY_SECONDS):
        while True:
            messages = await received(line.crm_port, number)
            if any(message["type"] == "call.ended" for message in messages):
                return messages
            await asyncio.sleep(LOOK_SECONDS)
