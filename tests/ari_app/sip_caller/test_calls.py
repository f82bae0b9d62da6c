"""SIPp against SIPp: what a plan says must happen on the line, and nothing may stay behind."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from ari_app.sip_caller import (
    AgentPlan,
    Answer,
    CallPlan,
    CallsTooLongError,
    ExpectBye,
    HangUp,
    HangUpWhileRinging,
    Play,
    PortsTakenError,
    Press,
    SipMessage,
    SippMissingError,
    Speak,
    Wait,
    agent_phone,
    place_call,
    place_calls,
)
from tests.rig.ports import free_port

pytestmark = pytest.mark.asterisk


@pytest.fixture(autouse=True)
def _nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before, others = len(list(Path("/proc/self/fd").iterdir())), _sipps()
    yield
    assert _sipps() <= others, "a SIPp outlived its caller"
    assert list(tmp_path.glob("huisheng-sipp-*")) == []
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def _sipps() -> set[int]:
    """Process ids; agents' telephones that serve the whole session may be among them."""
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if child.name() == "sipp"}


async def test_a_call_is_answered_and_both_sides_see_the_same() -> None:
    seen: list[SipMessage] = []
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0.2)) as phone:
        plan = CallPlan("02287654321", "4001234567", (Wait(0.3), HangUp()), display_name='张"三')
        result = await place_call(plan, f"127.0.0.1:{port}", on_message=seen.append)
        await phone.ended()
        (taken,) = phone.calls()
    assert result.status == taken.status == 200
    assert result.answer_seconds == pytest.approx(0.2, abs=0.15)
    assert result.talk_seconds == pytest.approx(0.4, abs=0.15)
    assert (result.ended_by, taken.ended_by) == ("us", "them")
    assert tuple(seen) == result.messages
    assert result.messages[0].first_line == f"INVITE sip:4001234567@127.0.0.1:{port} SIP/2.0"


async def test_the_other_side_hangs_up_first() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0, steps=(Wait(0.2), HangUp()))):
        result = await place_call(CallPlan("1", "2", (ExpectBye(5),)), f"127.0.0.1:{port}")
    assert (result.status, result.ended_by) == (200, "them")


async def test_a_bye_that_never_comes_does_not_hold_the_caller() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0)):
        result = await place_call(CallPlan("1", "2", (ExpectBye(0.3),)), f"127.0.0.1:{port}")
    assert result.ended_by == "us"


@pytest.mark.parametrize("answer", [Answer.IS_BUSY, Answer.DECLINES, Answer.IS_AWAY])
async def test_an_agent_refuses(answer: Answer) -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0, answer=answer)):
        result = await place_call(CallPlan("1", "2"), f"127.0.0.1:{port}")
    assert (result.status, result.ended_by) == (answer, None)


async def test_a_caller_gives_up_while_it_rings() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(answer=None)) as phone:
        plan = CallPlan("1", "2", (HangUpWhileRinging(0.3),))
        result = await place_call(plan, f"127.0.0.1:{port}")
        assert (await phone.ended()).method == "CANCEL"
    assert (result.status, result.ended_by, result.answered_at) == (487, "us", None)


async def test_a_caller_who_would_give_up_is_answered_before() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0)):
        plan = CallPlan("1", "2", (HangUpWhileRinging(5),))
        result = await place_call(plan, f"127.0.0.1:{port}")
    assert (result.status, result.ended_by) == (200, "us")


async def test_both_hear_what_the_other_says(tmp_path: Path) -> None:
    (tmp_path / "own.alaw").write_bytes(b"\x2a" * 4000)
    port = free_port()
    steps = (Play(tmp_path / "own.alaw"), Press("11*0D"), Wait(0.2))
    agent = AgentPlan(rings=0, steps=(Speak("您好"), ExpectBye(5)))
    async with agent_phone(port, agent, listen=True) as phone:
        result = await place_call(CallPlan("1", "2", steps), f"127.0.0.1:{port}", listen=True)
        await phone.ended()
        heard_by_agent = phone.calls()[0].heard
        assert phone.calls()[0].keys == "11*0D"
    assert heard_by_agent is not None
    assert heard_by_agent.count(b"\x2a") == 4000
    assert result.heard is not None
    assert len(set(result.heard)) > 10, "speech, not silence"


async def test_many_calls_keep_their_own_results() -> None:
    port = free_port()
    plans = [CallPlan(f"0228765{n:04d}", f"4001{n:02d}", (Wait(0.2),)) for n in range(12)]
    plans.insert(5, CallPlan("1", "4009", (Wait(0.3),), display_name="a;b"))
    async with agent_phone(port, AgentPlan(rings=0)):
        results = await place_calls(plans, f"127.0.0.1:{port}", rate=50)
    assert [result.plan for result in results] == plans
    for plan, result in zip(plans, results, strict=True):
        assert result.status == 200
        assert result.messages[0].first_line.startswith(f"INVITE sip:{plan.dialled!s}@")


async def test_calls_in_a_row_never_overlap() -> None:
    port = free_port()
    plans = [CallPlan("1", "2", (Wait(0.1),)) for _ in range(4)]
    async with agent_phone(port, AgentPlan(rings=0)):
        results = await place_calls(plans, f"127.0.0.1:{port}", at_once=1, rate=50)
    spans = sorted((r.invited_at or 0, r.ended_at or 0) for r in results)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


async def test_a_hostile_name_reaches_the_wire_as_it_is() -> None:
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Wire(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not received.done():
                received.set_result(data)

    port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Wire, local_addr=("127.0.0.1", port)
    )
    name = b'"\xff\xfe[field0]]]>${SHELL(id)}|; ' + b"x" * 10_000 + b'" '
    plan = CallPlan(b"02\xff2", "400", display_name=name, headers=(("X-Note", "a[b]<c>"),))
    call = asyncio.create_task(place_call(plan, f"127.0.0.1:{port}"))
    try:
        async with asyncio.timeout(10):
            data = await received
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        transport.close()
    assert b"From: " + name + b"<sip:02\xff2@127.0.0.1:" in data
    assert b"\r\nX-Note: a[b]<c>\r\nContent-Type: application/sdp\r\n" in data


async def test_calls_that_never_end_are_cut_off() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0)):
        plan = CallPlan("1", "2", (Wait(30),))
        with pytest.raises(CallsTooLongError, match=r"did not end within 1 s"):
            await place_call(plan, f"127.0.0.1:{port}", deadline_seconds=1)


async def test_cancelling_stops_sipp_at_once() -> None:
    port = free_port()
    async with agent_phone(port, AgentPlan(rings=0)) as phone:
        plan = CallPlan("1", "2", (Wait(30),))
        call = asyncio.create_task(place_call(plan, f"127.0.0.1:{port}"))
        await phone.answered()
        async with asyncio.timeout(2):
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)


async def test_a_taken_port_is_named_as_the_reason() -> None:
    port = free_port()
    async with agent_phone(port):
        with pytest.raises(PortsTakenError, match=f"UDP port {port} of 127.0.0.1 is in use"):
            async with agent_phone(port):
                pass


async def test_a_missing_sipp_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SippMissingError, match="apt-get install sip-tester"):
        await place_call(CallPlan("1", "2"))
