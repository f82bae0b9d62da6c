"""In a talk: what is heard and kept of it, and what agents and supervisors can do with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from ari_app.calls.controls import Controls
from ari_app.sip_caller import AgentPhone, ExpectBye, HangUp, Press, Speak, Step, Wait
from desk import recordings, utterances
from desk.api.control import TalkView
from desk.errors import NotPossibleNow
from stt.evaluate import distance, normalised
from tests.e2e.conftest import AGENT_SAYS
from tests.e2e.line_rig import Story, TestLine, beijing, tianjin

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

SAYS = "我要投诉产品质量太差了"
SECONDS = 20.0
CARD = "62220212"  # long enough to be in no hash by chance


@asynccontextmanager
async def talking(
    line: TestLine, extension: str, *steps: Step
) -> AsyncIterator[tuple[str, Controls, "asyncio.Task[Story]"]]:
    """A caller who talks to `extension`: the call's id, the line's controls, the story to come."""
    controls = Controls(line.running.line, line.running.switchboard.call)
    known = set(line.running.line.talks)
    caller = asyncio.create_task(
        line.call(tianjin(), Wait(0.3), Press(extension), *(steps or (ExpectBye(40),)))
    )
    try:
        await until(lambda: bool(set(line.running.line.talks) - known), caller)
        (call_id,) = set(line.running.line.talks) - known
        await until(lambda: len((controls.talk(call_id) or EMPTY).parties) == 2, caller)
        yield call_id, controls, caller
    finally:
        if not caller.done():
            await controls.hang_up(call_id, actor="test")
            await caller


EMPTY = TalkView("", ())


async def until(true: Callable[[], bool], caller: "asyncio.Task[Story] | None" = None) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():
            assert caller is None or not caller.done() or true(), caller.result()
            await asyncio.sleep(0.02)


async def test_both_sides_are_transcribed_as_they_speak_and_recorded_each_and_together(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    steps = (Wait(5), Speak(SAYS), Wait(2.5), HangUp())
    async with talking(line, "8021", *steps) as (call_id, controls, caller):

        def heard() -> bool:
            view = controls.talk(call_id) or EMPTY
            return (view.recording, view.transcript) == ("on", "live")

        await until(heard, caller)  # the talk is there a moment before its ears
        story = await caller
    db = line.running.line.db
    said = await db.read(utterances.transcript, call_id)
    words = {
        party: "".join(one.text for one in said if one.party == party)
        for party in ("caller", "agent:8021")
    }
    assert error_rate(SAYS, words["caller"]) < 0.1
    assert error_rate(AGENT_SAYS, words["agent:8021"]) < 0.1
    assert all(one.live for one in said)
    kept = {(one.kind, one.party): one for one in await db.read(recordings.of_call, call_id)}
    assert set(kept) == {("party", "caller"), ("party", "agent:8021"), ("mix", "")}
    assert all(one.seconds > 3 for one in kept.values())
    assert story.ticket is not None
    assert story.ticket.summary == SAYS


async def test_caller_on_hold_is_out_of_the_talk_and_back_when_resumed(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        bridge = line.running.line.talks[call_id].bridge
        await controls.hold(call_id, actor="test")
        assert (controls.talk(call_id) or EMPTY).held
        assert call_id not in (await bridge.get()).channels
        await controls.hold(call_id, actor="test")
        await controls.resume(call_id, actor="test")
        assert call_id in (await bridge.get()).channels
        assert not (controls.talk(call_id) or EMPTY).held


async def test_blind_transfer_leads_the_caller_to_the_other_agent(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        await controls.transfer(call_id, "8022", "blind", actor="test")
        await until(lambda: agents(controls, call_id) == ["8022"])
        await until(lambda: state(controls, "8021") == "ready")


async def test_attended_transfer_asks_first_and_then_hands_over(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        await controls.transfer(call_id, "8022", "attended", actor="test")
        view = controls.talk(call_id) or EMPTY
        assert (view.held, view.consult) == (True, "8022")
        await until(lambda: agents(controls, call_id) == ["8021", "8022"])
        await controls.complete_transfer(call_id, actor="test")
        assert agents(controls, call_id) == ["8022"]
        assert not (controls.talk(call_id) or EMPTY).held


async def test_cancelled_transfer_brings_the_first_agent_back(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        await controls.transfer(call_id, "8022", "attended", actor="test")
        await until(lambda: agents(controls, call_id) == ["8021", "8022"])
        await controls.cancel_transfer(call_id, actor="test")
        assert agents(controls, call_id) == ["8021"]
        assert not (controls.talk(call_id) or EMPTY).held


async def test_conference_goes_on_when_one_agent_leaves(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        await controls.conference(call_id, "8022", actor="test")
        await until(lambda: agents(controls, call_id) == ["8021", "8022"])
        await controls.drop(call_id, "8021", actor="test")
        assert agents(controls, call_id) == ["8022"]
        with pytest.raises(NotPossibleNow, match="only agent"):
            await controls.drop(call_id, "8022", actor="test")


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
async def test_supervisor_is_in_the_talk_as_asked(
    line: TestLine, phones: dict[str, AgentPhone], mode: str
) -> None:
    async with talking(line, "8021") as (call_id, controls, _):
        await controls.supervise(call_id, "8024", mode, actor="test")  # type: ignore[arg-type]
        await until(lambda: len((controls.talk(call_id) or EMPTY).parties) == 3)
        last = (controls.talk(call_id) or EMPTY).parties[-1]
        assert (last.kind, last.mode) == (
            ("agent", None) if mode == "barge" else ("supervisor", mode)
        )


async def test_what_is_said_while_the_recording_is_paused_is_nowhere(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    steps = (Wait(7), Speak(SAYS), Wait(1.5), Press(CARD), Wait(1), HangUp())
    async with talking(line, "8021", *steps) as (call_id, controls, caller):
        await controls.pause_recording(call_id, actor="test")
        assert (controls.talk(call_id) or EMPTY).recording == "paused"
        story = await caller
    db = line.running.line.db
    said = await db.read(utterances.transcript, call_id)
    assert "".join(one.text for one in said if one.party == "caller") == ""
    party = [one for one in story.recordings if one.party == "caller"]
    assert party[0].seconds < 5
    assert CARD not in repr(story.entries)


async def test_agent_who_hangs_up_gives_the_caller_back_for_goodbye(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    story = await line.call(beijing(), Wait(0.3), Press("8011"), ExpectBye(30))
    assert story.result.ended_by == "them"
    assert story.call.cause == "completed"


def error_rate(spoken: str, heard: str) -> float:
    """Wrong, missing and added characters per spoken character."""
    spoken, heard = normalised(spoken), normalised(heard)
    return distance(spoken, heard) / len(spoken)


def agents(controls: Controls, call_id: str) -> list[str]:
    parties = (controls.talk(call_id) or EMPTY).parties
    return sorted(party.extension for party in parties if party.kind == "agent")


def state(controls: Controls, extension: str) -> str:
    return next(one.state for one in controls.agents() if one.extension == extension)
