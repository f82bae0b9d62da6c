"""Callers who want a person: who is served by whom and when, what they hear and may press."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from ari_app.ari import PlaybackFinished
from ari_app.calls.controls import Controls
from ari_app.sip_caller import (
    AgentPhone,
    AgentPlan,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Step,
    Wait,
    agent_phone,
)
from asterisk_conf import secrets
from asterisk_conf.install import Installation
from desk import customers, tickets, utterances
from desk.recordings import Recording
from desk.tickets import Ticket
from tests.crm_bridge.receiver import Receiver
from tests.e2e.line_rig import OPEN_HOURS, Story, TestLine, own_line, tianjin, until
from tests.rig.ports import free_port
from tests.rig.sip import SipAgent, authorization

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

CARRIER, DESK = "127.0.0.2", "127.0.0.3"  # where calls, and agents' calls, come from
MOST_WAIT = 12
SAYS = "我要投诉产品质量太差了"
CARD = "6222021234509876"
REFUSE = "9"
TALK = (Wait(2.5), Speak(SAYS), Wait(1.2), HangUp())
BUSY = (Wait(6.5), HangUp())
AGENTS = {"8201": "alone", "8202": "pair", "8203": "pair", "8204": "closed"}
GREETS = AgentPlan(rings=0.2, steps=(Wait(0.5), Speak("您好请讲"), ExpectBye(60)))
WAY_TO = {"pair": "4", "asked": "5", "unrecorded": "6"}


def change(config: dict[str, Any]) -> None:
    """Menus that ask, and that record nothing; agents who are told apart from the carrier."""
    config["pbx"]["trunks"][0]["hosts"] = [f"{CARRIER}/32"]
    config["pbx"]["agents"] = [
        {
            "extension": extension,
            "name": f"坐席{extension}",
            "team": team,
            "contact": f"sip:{extension}@127.0.0.1:{free_port()}",
        }
        for extension, team in AGENTS.items()
    ]
    ivr = config["ivr"]
    ivr["prompts"] |= {"recording_ask": "请留言", "queue_1": "第一位"}
    for name in ("main", "tianjin", "repair"):
        ivr["menus"][name]["keys"]["0"]["person"] = "alone"
    tianjin_menu = ivr["menus"]["tianjin"]
    tianjin_menu["keys"][WAY_TO["pair"]] = {"label": "人工", "person": "pair"}
    for name, mode in (("asked", "ask"), ("unrecorded", "never")):
        tianjin_menu["keys"][WAY_TO[name]] = {"label": name, "menu": name}
        ivr["menus"][name] = {
            **tianjin_menu,
            "keys": {"0": {"label": "人工", "person": "pair"}},
            "record": mode,
        }
    config["queue"] |= {"announce_seconds": 5, "most_wait_seconds": MOST_WAIT}
    config["speech"]["live"]["most_streams"] = 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(
    installation: Installation, crm: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestLine]:
    folder = tmp_path_factory.mktemp("waiting")
    async with own_line(folder, crm.url, change, source=CARRIER) as line:
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(office: TestLine) -> AsyncIterator[dict[str, AgentPhone]]:
    """The agents' telephones, by extension; that of 8204 is switched off."""
    async with AsyncExitStack() as stack:
        opened = {}
        for agent in office.settings.pbx.agents:
            if AGENTS[agent.extension] != "closed":
                port = int(str(agent.contact).rpartition(":")[2])
                phone = agent_phone(port, GREETS, listen=True, most_calls=50)
                opened[agent.extension] = await stack.enter_async_context(phone)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def quiet(office: TestLine, at_work: dict[str, AgentPhone]) -> AsyncIterator[TestLine]:
    """The line with its agents; nothing of a call is left afterwards."""
    yield office
    await office.quiet()


def answered_by(story: Story) -> list[str]:
    return _agents(story, "agent.answered")


def rung(story: Story) -> list[str]:
    return _agents(story, "agent.rung")


def _agents(story: Story, kind: str) -> list[str]:
    return [entry.body["agent"] for entry in story.entries if entry.kind == kind and entry.body]


def talks_of(story: Story) -> list[Recording]:
    return [one for one in story.recordings if one.kind != "message"]


async def test_caller_who_refuses_by_key_is_neither_recorded_nor_transcribed_and_it_is_noted(
    quiet: TestLine,
) -> None:
    story = await quiet.call(
        tianjin(),
        *(Wait(0.6), Press(WAY_TO["asked"]), Wait(0.5), Press("0")),
        *(Wait(0.9), Press(REFUSE), *TALK),
    )
    assert answered_by(story)
    assert story.kinds.count("recording.refused") == 1
    assert story.recordings == []
    assert await quiet.running.line.db.read(utterances.transcript, story.call.id) == []
    assert story.ticket is not None
    assert (story.ticket.type, story.ticket.summary) == ("call", "")


async def test_caller_who_is_asked_and_presses_nothing_is_recorded(quiet: TestLine) -> None:
    story = await quiet.call(
        tianjin(), Wait(0.6), Press(WAY_TO["asked"]), Wait(0.5), Press("0"), Wait(3), *TALK
    )
    assert "recording.refused" not in story.kinds
    assert {one.party for one in talks_of(story)} == {
        "caller",
        f"agent:{answered_by(story)[0]}",
        "",
    }


async def test_menu_that_never_records_keeps_no_sound(quiet: TestLine) -> None:
    story = await quiet.call(
        tianjin(), Wait(0.6), Press(WAY_TO["unrecorded"]), Wait(0.5), Press("0"), Wait(0.5), *TALK
    )
    assert answered_by(story)
    assert story.recordings == []
    assert "recording.refused" not in story.kinds


async def test_waiting_caller_hears_the_position_and_may_leave_a_message_instead(
    quiet: TestLine,
) -> None:
    heard: list[str] = []

    def hear(event: Any) -> None:
        heard.append(event.playback.media_uri)

    steps = (Wait(9), Press("1"), Wait(2), Speak(SAYS), Wait(0.6), Press("#"), ExpectBye(20))
    subscription = quiet.running.line.ari.on(hear, PlaybackFinished)
    subscription.open()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(quiet.call(tianjin(), Wait(0.3), Press("8201"), Wait(14), HangUp()))
            await until(lambda: bool(quiet.running.line.talks))
            waits = group.create_task(quiet.call(tianjin(), Wait(0.3), Press("8201"), *steps))
    finally:
        subscription.close()
    story = waits.result()
    assert quiet.running.line.prompts.media("queue_1") in heard
    assert rung(story) == []
    assert story.call.stage == "message"
    assert story.ticket is not None
    assert (story.ticket.type, story.ticket.description) == ("message", SAYS)


async def test_caller_whose_agent_is_not_at_the_telephone_leaves_a_message_in_the_end(
    quiet: TestLine,
) -> None:
    steps = (Wait(MOST_WAIT + 3.5), Speak(SAYS), Wait(0.6), Press("#"), ExpectBye(20))
    story = await quiet.call(tianjin(), Wait(0.3), Press("8204"), *steps)
    assert story.call.stage == "message"
    assert story.ticket is not None
    assert story.ticket.description == SAYS


async def test_important_customer_who_came_later_is_served_first(quiet: TestLine) -> None:
    important = tianjin()
    await quiet.running.line.db.write(
        customers.import_csv,
        f"name,company,level,numbers\n金先生,金公司,金牌,{important}\n",
        OPEN_HOURS,
    )
    steps: tuple[Step, ...] = (Wait(0.3), Press("8201"), ExpectBye(25))
    queue = quiet.running.line.queue
    async with asyncio.TaskGroup() as group:
        group.create_task(quiet.call(tianjin(), Wait(0.3), Press("8201"), *BUSY))
        await until(lambda: bool(quiet.running.line.talks))
        ordinary = group.create_task(quiet.call(tianjin(), *steps[:2], Wait(14), HangUp()))
        await until(lambda: len(queue.waiting()) == 1)
        vip = group.create_task(quiet.call(important, *steps[:2], *BUSY))
    first, then = (_answered_at(task.result()) for task in (vip, ordinary))
    assert first < then


def _answered_at(story: Story) -> int:
    return next(entry.seq for entry in story.entries if entry.kind == "agent.answered")


async def test_customer_is_led_to_the_agent_of_last_time(quiet: TestLine) -> None:
    caller = tianjin()
    first = await quiet.call(caller, Wait(0.3), Press("8203"), Wait(3), HangUp())
    assert answered_by(first) == ["8203"]
    again = await quiet.call(caller, Wait(0.6), Press(WAY_TO["pair"]), Wait(3), HangUp())
    assert rung(again) == ["8203"], "8202 has been idle for longer"


async def test_agent_is_away_and_back_by_telephone(quiet: TestLine) -> None:
    queue = quiet.running.line.queue
    phone = await SipAgent.open(DESK, free_port(), ("127.0.0.1", quiet.settings.pbx.sip.port))
    try:
        await _dial(quiet, phone, "8202", "*71")
        await until(lambda: queue.standing("8202").state == "away")
        story = await quiet.call(tianjin(), Wait(0.6), Press(WAY_TO["pair"]), Wait(3), HangUp())
        assert rung(story) == ["8203"]
        await _dial(quiet, phone, "8202", "*70")
        await until(lambda: queue.standing("8202").state == "ready")
        await _dial(quiet, phone, "8203", "*71")
        story = await quiet.call(tianjin(), Wait(0.6), Press(WAY_TO["pair"]), Wait(3), HangUp())
        assert rung(story) == ["8202"]
        await _dial(quiet, phone, "8203", "*70")
    finally:
        phone.close()


async def _dial(line: TestLine, phone: SipAgent, extension: str, code: str) -> None:
    """Dial as the agent's telephone does, with its password, and listen until it is hung up."""
    call = phone.invite(code, caller=extension)
    challenge = await call.final()
    assert challenge.status == 401
    password = secrets.load(line.settings.state_dir, line.settings.pbx).agents[extension]
    header = authorization(challenge, call.uri, extension, password, "INVITE")
    before = len(phone.requests)
    again = phone.invite(code, header, caller=extension, cseq=2)
    assert (await again.final()).status == 200
    await until(lambda: any(one.method == "BYE" for one in phone.requests[before:]))


async def test_party_that_the_full_machine_could_not_hear_live_is_transcribed_and_marked_so(
    quiet: TestLine,
) -> None:
    """One stream at most: the agent's, who is there first."""
    controls = Controls(quiet.running.line, quiet.running.switchboard.call)
    caller = asyncio.create_task(quiet.call(tianjin(), Wait(0.3), Press("8202"), Wait(2.5), *TALK))
    await until(lambda: len(quiet.running.line.talks) == 1)
    (call_id,) = quiet.running.line.talks
    await until(
        lambda: (view := controls.talk(call_id)) is not None and view.transcript == "afterwards"
    )
    story = await caller
    said = await quiet.running.line.db.read(utterances.transcript, story.call.id)
    assert {one.party: one.live for one in said} == {"caller": False, "agent:8202": True}
    assert "".join(one.text for one in said if one.party == "caller") == SAYS
    assert [one.party for one in said] == ["agent:8202", "caller"], "in the order of speaking"
    assert story.ticket is not None
    with quiet.running.line.db.subscribe() as commits:
        async with asyncio.timeout(10):
            while not (ticket := await _ticket(quiet, story.ticket.id)).summary:
                await commits.wait(0.5)
    assert ticket.summary == SAYS


async def _ticket(line: TestLine, ticket_id: int) -> Ticket:
    ticket = await line.running.line.db.read(tickets.get, ticket_id)
    assert ticket is not None
    return ticket


async def test_keys_pressed_in_a_talk_reach_the_agent_and_leave_no_trace_while_paused(
    quiet: TestLine, at_work: dict[str, AgentPhone]
) -> None:
    controls = Controls(quiet.running.line, quiet.running.switchboard.call)
    before = len(at_work["8203"].calls())
    steps = (Wait(5), Press(CARD), Wait(1), HangUp())
    caller = asyncio.create_task(quiet.call(tianjin(), Wait(0.3), Press("8203"), *steps))
    await until(lambda: len(quiet.running.line.talks) == 1)
    (call_id,) = quiet.running.line.talks
    await until(lambda: (view := controls.talk(call_id)) is not None and len(view.parties) == 2)
    await controls.pause_recording(call_id, actor="test")
    story = await caller
    assert at_work["8203"].calls()[before].keys == CARD
    assert CARD not in repr((story.entries, story.call, story.ticket))
    for file in quiet.settings.state_dir.rglob("*"):
        if file.is_file():
            assert CARD.encode() not in file.read_bytes(), file
