"""Talks: what callers and agents put up with, say to each other at once, and hear of each other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ari_app.sip_caller import (
    AgentPlan,
    CallPlan,
    ExpectBye,
    HangUp,
    Speak,
    Tone,
    Wait,
    agent_phone,
    invites,
    place_call,
    place_calls,
)
from ari_app.sip_caller.ears import Ear
from ari_app.sip_caller.media import raw_sockets_allowed
from tests.ari_app.sip_caller.peer import Peer
from tests.rig.ports import free_port

pytestmark = pytest.mark.asterisk

needs_raw_sockets = pytest.mark.skipif(
    not raw_sockets_allowed(), reason="captures go out through raw sockets: root or CAP_NET_RAW"
)
CALLER_HZ, AGENT_HZ = 440.0, 1000.0


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    opened = await Peer.open(free_port(), free_port())
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def ear(peer: Peer) -> AsyncIterator[Ear]:
    """What the peer hears."""
    opened = Ear(("127.0.0.1", peer.media_port), 500)
    yield opened
    opened.close()


@needs_raw_sockets
async def test_both_sides_hear_the_others_tone_whole() -> None:
    port = free_port()
    agent = AgentPlan(rings=0, steps=(Tone(AGENT_HZ, 1.5), ExpectBye(5)))
    plan = CallPlan("1", "2", (Tone(CALLER_HZ, 1.5), HangUp()))
    async with agent_phone(port, agent, listen=True) as phone:
        result = await place_call(plan, f"127.0.0.1:{port}", listen=True)
        await phone.ended()
        (taken,) = phone.calls()
    for call, hz in ((result, AGENT_HZ), (taken, CALLER_HZ)):
        assert call.rtp is not None
        assert call.answered_at is not None
        begin = call.answered_at + 0.4
        assert call.rtp.dominant_tone(begin, begin + 0.5) == pytest.approx(hz, abs=5)
        assert call.rtp.sequence_jumps() == []
        assert call.rtp.gaps(longer_than=1.0) == []


@needs_raw_sockets
async def test_conversation_goes_back_and_forth() -> None:
    """Each speaks while the other is silent, twice."""
    port = free_port()
    caller = (Tone(CALLER_HZ, 0.4), Wait(0.4), Tone(CALLER_HZ, 0.4), Wait(0.4), HangUp())
    agent = (Wait(0.4), Tone(AGENT_HZ, 0.4), Wait(0.4), Tone(AGENT_HZ, 0.4), ExpectBye(5))
    async with agent_phone(port, AgentPlan(rings=0, steps=agent), listen=True) as phone:
        plan = CallPlan("1", "2", caller)
        result = await place_call(plan, f"127.0.0.1:{port}", listen=True)
        await phone.ended()
        (taken,) = phone.calls()
    assert result.rtp is not None
    assert taken.rtp is not None
    for rtp, silent in ((result.rtp, 0), (taken.rtp, 1)):
        begin = rtp.arrivals[0].at + 0.1
        heard = [
            rtp.dominant_tone(begin + number * 0.4 + 0.1, begin + number * 0.4 + 0.3) is not None
            for number in range(4)
        ]
        assert heard == [number % 2 != silent for number in range(4)]


async def test_one_telephone_takes_several_calls_at_once_and_more_afterwards() -> None:
    port = free_port()
    plans = [CallPlan(f"022{n}", "400", (Wait(0.5),)) for n in range(6)]
    steps = (Speak("您好"), ExpectBye(5))
    async with agent_phone(port, AgentPlan(rings=0.1, steps=steps), listen=True) as phone:
        for number in (1, 2):
            results = await place_calls(plans, f"127.0.0.1:{port}", rate=50, listen=True)
            assert [(r.status, r.ended_by) for r in results] == [(200, "us")] * 6
            if raw_sockets_allowed():
                assert all(len(set(result.heard or b"")) > 10 for result in results)
            assert len(phone.calls()) == 6 * number


async def test_agent_hangs_up_when_the_plan_says() -> None:
    port = free_port()
    plan = AgentPlan(rings=0, steps=(Wait(0.3), Speak("再见"), HangUp()))
    async with agent_phone(port, plan):
        result = await place_call(CallPlan("1", "2", (ExpectBye(5),)), f"127.0.0.1:{port}")
    assert result.ended_by == "them"
    assert result.talk_seconds is not None
    assert 0.6 < result.talk_seconds < 1.8


@needs_raw_sockets
@pytest.mark.parametrize("direction", ["sendrecv", "sendonly", "inactive"])
async def test_caller_puts_up_with_a_session_that_changes(
    peer: Peer, ear: Ear, direction: str
) -> None:
    """On hold and back; the sound goes on, and the caller hangs up when the plan says."""
    plan = CallPlan("1", "2", (Tone(CALLER_HZ, 1.5), HangUp()))
    calling = asyncio.create_task(place_call(plan, f"127.0.0.1:{peer.port}"))
    async with asyncio.timeout(10):
        await peer.talking.wait()
    for method, offer in (("INVITE", direction), ("UPDATE", ""), ("INVITE", "sendrecv")):
        answer = await peer.ask(method, offer)
        assert answer.status == 200
        if method == "INVITE":
            assert "m=audio" in answer.body
        await asyncio.sleep(0.2)
    result = await calling
    assert result.ended_by == "us"
    assert result.talk_seconds == pytest.approx(1.6, abs=0.3)
    assert ear.heard.sequence_jumps() == []
    assert ear.heard.dominant_tone() == pytest.approx(CALLER_HZ, abs=5)
    assert "REFER" not in peer.requests


@needs_raw_sockets
async def test_agent_puts_up_with_a_session_that_changes_and_ends_at_any_time(
    peer: Peer, ear: Ear
) -> None:
    port = free_port()
    agent = AgentPlan(rings=0.1, steps=(Tone(AGENT_HZ, 5), ExpectBye(5)))
    async with agent_phone(port, agent) as phone:
        await peer.call(port)
        for offer in ("sendonly", "sendrecv"):
            assert (await peer.ask("INVITE", offer)).status == 200
            await asyncio.sleep(0.2)
        assert (await peer.ask("BYE")).status == 200
        await phone.ended()
        (call,) = phone.calls()
    assert (call.status, call.ended_by) == (200, "them")
    assert ear.heard.sequence_jumps() == []
    assert "REFER" not in peer.requests


async def test_list_of_who_called_outlives_the_callers(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "invites"
    plans = [CallPlan(f"022{n}", "4001234567", (Wait(0.2),)) for n in range(3)]
    async with agent_phone(port, AgentPlan(rings=0)):
        results = await place_calls(plans, f"127.0.0.1:{port}", rate=50, invite_log=log)
        plan = CallPlan(b"02\xff", "400", (Wait(30),))
        begun = asyncio.Event()
        killed = asyncio.create_task(
            place_call(
                plan,
                f"127.0.0.1:{port}",
                invite_log=log,
                on_message=lambda _: begun.set(),
            )
        )
        await begun.wait()
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
    listed = invites(log)
    assert [one.caller for one in listed] == ["0220", "0221", "0222", "02\\xff"]
    assert listed[:3] == invites(results)
    assert [one.at for one in listed[:3]] == [result.invited_at for result in results]
