"""What happens to the line while callers are on it: new menus, a broken connection, a rival."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from ari_app.sip_caller import AgentPhone, ExpectBye, HangUp, Press, SipMessage, Speak, Wait
from tests.e2e.line_rig import Story, TestLine, Visit, beijing, tianjin, until
from tests.e2e.test_menu_paths import COMPLAINT, TELL

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]

RELOAD_SECONDS = 15
REFUSED_SECONDS = 30


async def test_new_menus_are_for_new_callers_and_running_calls_keep_the_old_ones(
    line: TestLine,
) -> None:
    answered = asyncio.Event()

    def heard(message: SipMessage) -> None:
        if message.status == 200:
            answered.set()

    old_caller, new_caller = beijing(), beijing()
    steps = (Wait(4.8), Press("1"), Wait(0.5), HangUp())  # past two time-outs
    old = asyncio.create_task(line.call(old_caller, *steps, on_message=heard), name="old")
    await answered.wait()
    before = line.config.read_text(encoding="utf-8")
    try:
        changed = json.loads(before)
        changed["ivr"]["menus"]["main"]["keys"]["1"] |= {"label": "新", "ticket": "consult"}
        changed["ivr"]["prompts"]["main"] = "好"
        await _put_in_force(line, json.dumps(changed, ensure_ascii=False))
        assert not old.done(), "the old caller must still be in the menu"
        new = await line.call(new_caller, Wait(0.7), Press("1"), Wait(0.5), HangUp())
    finally:
        await _put_in_force(line, before)
    kinds = [story.ticket.type for story in (await old, new) if story.ticket]
    assert kinds == ["complaint", "consult"]


async def test_menus_with_a_mistake_leave_the_old_ones_in_force(line: TestLine) -> None:
    before, tree = line.config.read_text(encoding="utf-8"), line.running.line.menus
    broken = json.loads(before)
    broken["ivr"]["menus"]["main"]["keys"]["1"]["message"] = "nonsense"
    try:
        line.config.write_text(json.dumps(broken), encoding="utf-8")
        story = await line.call(beijing(), Wait(1.2), Press("1"), Wait(0.5), HangUp())
    finally:
        line.config.write_text(before, encoding="utf-8")
    assert story.ticket is not None
    assert story.ticket.type == "complaint"
    assert line.running.line.menus.menus == tree.menus


async def _put_in_force(line: TestLine, text: str) -> None:
    tree = line.running.line.menus
    line.config.write_text(text, encoding="utf-8")
    last = time.monotonic() + RELOAD_SECONDS
    while line.running.line.menus is tree:
        assert time.monotonic() < last, "the new menus are not in force"
        await asyncio.sleep(0.05)


async def test_second_process_on_the_same_line_is_refused_in_one_sentence(line: TestLine) -> None:
    program = Path(sys.executable).parent / "huisheng"
    second = await asyncio.create_subprocess_exec(
        program,
        *("run", "--config", line.config),
        env={**os.environ, "HUISHENG_API__PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(REFUSED_SECONDS):
        out, err = await second.communicate()
    said = [line for line in err.decode().splitlines() if line.startswith("✗")]
    assert second.returncode == 1
    assert out == b""
    assert len(said) == 1
    assert "another process serves the line" in said[0]
    assert "Traceback" not in err.decode()
    story = await line.call(beijing(), Wait(0.6), Press("1"), Wait(0.3), HangUp())
    assert story.ticket is not None, "the first process serves on"


async def test_broken_connection_to_asterisk_costs_no_caller_anything(
    line: TestLine, phones: dict[str, AgentPhone]
) -> None:
    """The websocket breaks while callers are in the menu, telling, and talking."""
    assert phones
    visits = {
        "talk": Visit(beijing(), (Wait(0.3), Press("8002"), Wait(5), HangUp())),
        "menu": Visit(tianjin(), (Wait(4.2), Press("1"), *TELL)),
        "telling": Visit(
            beijing(),
            (
                Wait(0.8),
                Press("1"),
                Wait(2),
                Speak(COMPLAINT),
                Wait(0.6),
                Press("#"),
                ExpectBye(20),
            ),
        ),
        "gone meanwhile": Visit(tianjin(), (Wait(3.4), HangUp())),
    }
    calls = asyncio.create_task(line.visits(visits), name="callers")
    talks = line.running.line.talks
    await until(lambda: any(talk.state.agents() for talk in talks.values()))
    connects = line.running.line.ari.connects
    for _ in range(12):
        await _cut(line)
    stories = await calls
    assert line.running.line.ari.connects > connects
    assert _kinds(stories) == {
        "menu": "complaint",
        "telling": "complaint",
        "talk": "call",
        "gone meanwhile": "abandoned",
    }
    assert "agent.answered" in stories["talk"].kinds
    for name in ("menu", "telling"):
        ticket = stories[name].ticket
        assert ticket is not None
        assert ticket.description == COMPLAINT
        assert stories[name].result.ended_by == "them"


def _kinds(stories: dict[str, Story]) -> dict[str, str | None]:
    return {name: story.ticket.type if story.ticket else None for name, story in stories.items()}


async def _cut(line: TestLine) -> None:
    """Break the websocket as a network would, and wait until the client is back."""
    ari = line.running.line.ari
    lane = ari._link.lane
    assert lane is not None
    lane._socket._response.connection.transport.abort()
    with ari.listen() as anything:  # the reader notices when it is given a turn
        while ari.is_connected:
            await anything.get(0.01)
    assert await ari.wait_connected(5)
