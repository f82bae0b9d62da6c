"""A caller may hang up at any moment: the call ends, and exactly the right ticket is left."""

import asyncio
import time

import pytest

from ari_app.sip_caller import AgentPhone, ExpectBye, HangUp, HangUpWhileRinging, Press, Speak, Wait
from tests.e2e.line_rig import Story, TestLine, Visit, beijing, tianjin
from tests.e2e.test_menu_paths import COMPLAINT, keys

pytestmark = pytest.mark.asterisk

SAID = (Wait(2.2), Speak(COMPLAINT), Wait(0.4))

VISITS = {
    "first prompt": Visit(beijing(), (Wait(0.1), HangUp())),
    "first prompt, tianjin": Visit(tianjin(), (Wait(0.1), HangUp())),
    "menu": Visit(beijing(), (Wait(1.2), HangUp())),
    "sub-menu": Visit(tianjin(), (*keys("2"), Wait(1.2), HangUp())),
    "while ringing": Visit(beijing(), (*keys("0"), Wait(2), HangUp())),
    "talk, by caller": Visit(beijing(), (Wait(0.7), Press("8002"), Wait(4), HangUp())),
    "talk, by agent": Visit(beijing(), (Wait(0.7), Press("8011"), ExpectBye(15))),
    "talk, by agent, tianjin": Visit(tianjin(), (Wait(0.7), Press("8011"), ExpectBye(15))),
    "prompt before the tone": Visit(beijing(), (*keys("1"), Wait(0.4), HangUp())),
    "prompt before the tone, no type": Visit(beijing(), (*keys("777"), Wait(0.8), HangUp())),
    "recording": Visit(beijing(), (*keys("1"), *SAID, HangUp())),
    "recording, no type": Visit(beijing(), (*keys("777"), *SAID, HangUp())),
    "number read back": Visit(beijing(), (*keys("1"), *SAID, Press("#"), Wait(0.3), HangUp())),
}
# name: last stage, type of ticket or None, who hung up
EXPECTED = {
    "first prompt": ("menu", "abandoned", "us"),
    "first prompt, tianjin": ("menu", "abandoned", "us"),
    "menu": ("menu", "abandoned", "us"),
    "sub-menu": ("menu", "abandoned", "us"),
    "while ringing": ("queue", "abandoned", "us"),
    "talk, by caller": ("talk", "call", "us"),
    "talk, by agent": ("survey", "call", "them"),
    "talk, by agent, tianjin": ("survey", "call", "them"),
    "prompt before the tone": ("message", "complaint", "us"),
    "prompt before the tone, no type": ("message", "abandoned", "us"),
    "recording": ("message", "complaint", "us"),
    "recording, no type": ("message", "message", "us"),
    "number read back": ("message", "complaint", "us"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_call_ends_once_and_leaves_the_right_ticket(stories: dict[str, Story], name: str) -> None:
    stage, kind, ended_by = EXPECTED[name]
    story = stories[name]
    assert story.result.status == 200
    assert story.result.ended_by == ended_by
    assert story.call.stage == stage
    assert story.call.cause == ("hangup" if ended_by == "us" else "completed")
    assert (story.ticket.type if story.ticket else None) == kind
    assert story.kinds.count("call.received") == story.kinds.count("call.ended") == 1
    assert story.kinds.count("ticket.opened") == (kind is not None)


@pytest.mark.parametrize("name", ["recording", "recording, no type", "number read back"])
def test_what_was_said_before_is_kept(stories: dict[str, Story], name: str) -> None:
    story = stories[name]
    assert [recording.state for recording in story.recordings] == ["transcribed"]
    assert story.ticket is not None
    assert story.ticket.description == COMPLAINT


@pytest.mark.parametrize("name", ["prompt before the tone", "prompt before the tone, no type"])
def test_nothing_is_recorded_before_the_tone(stories: dict[str, Story], name: str) -> None:
    assert stories[name].recordings == []


def test_agents_phone_stops_ringing(
    stories: dict[str, Story], phones: dict[str, AgentPhone]
) -> None:
    assert "agent.answered" not in stories["while ringing"].kinds
    assert all(call.ended_by == "them" for call in phones["8003"].calls())


def test_agent_is_let_go_with_the_caller(
    stories: dict[str, Story], phones: dict[str, AgentPhone]
) -> None:
    story = stories["talk, by caller"]
    assert [kind for kind in story.kinds if kind.startswith("agent.")] == [
        "agent.rung",
        "agent.answered",
        "agent.left",
    ]
    assert all(call.ended_by == "them" for call in phones["8002"].calls())


@pytest.mark.asyncio(loop_scope="session")
async def test_caller_who_gives_up_before_the_answer_is_a_ticket(line: TestLine) -> None:
    """The desk is busy for a moment, so the caller still hears ringing when giving up."""
    caller = tianjin()
    busy = line.running.line.db.write(lambda _: time.sleep(1.2))
    story, _ = await asyncio.gather(line.call(caller, HangUpWhileRinging(0.5)), busy)
    assert story.result.status == 487
    assert story.call.cause == "hangup"
    assert story.ticket is not None
    assert story.ticket.type == "abandoned"
    assert story.kinds == ["call.received", "ticket.opened", "call.ended"]
