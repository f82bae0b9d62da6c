"""What becomes of a caller in a talk when the agent hangs up and the application may be dead."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asterisk_conf.notes import read
from asterisk_conf.server import AsteriskServer
from tests.asterisk_conf.application import Application, listening
from tests.asterisk_conf.conftest import CARRIER, LEASE_SECONDS, World
from tests.asterisk_conf.phone import Phone, audible
from tests.asterisk_conf.test_dialplan import noted
from tests.rig.asterisk import LINE_NUMBER
from tests.rig.ports import free_port
from tests.rig.sip import Call

pytestmark = pytest.mark.asterisk

BACK = ["back", LINE_NUMBER]


@pytest.fixture
async def phones(guarded: AsteriskServer) -> AsyncIterator[list[Phone]]:
    sip = ("127.0.0.1", guarded.pbx.sip.port)
    made = [await Phone.open("127.0.0.1", free_port(), sip) for _ in range(3)]
    yield made  # type: ignore[misc]
    for phone in made:
        phone.close()


@asynccontextmanager
async def caller(
    application: Application, world: World, media_port: int = 9
) -> AsyncIterator[tuple[Call, dict[str, Any]]]:
    """An answered caller whose lease is lifted, as in a talk; and the channel."""
    call = world.carrier.invite(LINE_NUMBER, media_port=media_port)
    channel: dict[str, Any] = (await application.event("StasisStart"))["channel"]
    await application.ask("POST", f"channels/{channel['id']}/answer")
    assert (await call.final()).status == 200
    await application.set_lease(channel["id"], 0)
    try:
        yield call, channel
    finally:
        with contextlib.suppress(TimeoutError):
            await call.ask("BYE")


async def comes_back(application: Application, channel: dict[str, Any]) -> None:
    start = await application.event("StasisStart", channel=channel["id"])
    assert start["args"] == BACK


async def stays(application: Application, channel: dict[str, Any]) -> None:
    """The caller is where he was half a second after what happened."""
    with pytest.raises(TimeoutError):
        await application.event("StasisEnd", 0.5, channel=channel["id"])


async def test_a_caller_whose_agent_hung_up_is_back_with_a_living_application_at_once(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        leg = await application.leg_of(phones[0], channel)
        await application.bridge(channel["id"], leg)
        phones[0].hang_up()
        start = asyncio.get_running_loop().time()
        await comes_back(application, channel)
        assert asyncio.get_running_loop().time() - start < 1
        lease = await application.ask(
            "GET", f"channels/{channel['id']}/variable", variable="TIMEOUT(absolute)"
        )
        assert 0 < float(lease["value"]) <= LEASE_SECONDS


async def test_a_caller_whose_agent_hung_up_hears_music_while_the_application_is_frozen(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind((CARRIER, 0))
        media.setblocking(False)
        port = media.getsockname()[1]
        async with listening(guarded) as application, caller(application, world, port) as found:
            call, channel = found
            leg = await application.leg_of(phones[0], channel)
            await application.bridge(channel["id"], leg)
            phones[0].hang_up()
            await comes_back(application, channel)
            # From here on nobody asks for anything: as frozen as a process can be.
            loud = 0
            async with asyncio.timeout(LEASE_SECONDS - 1):
                while loud < 25:
                    packet = await asyncio.get_running_loop().sock_recv(media, 2048)
                    loud += audible(packet)
            await noted(guarded, lambda note: _is(note, "fallback", channel))
            assert (await call.ask("BYE")).status == 200
            await noted(guarded, lambda note: _is(note, "ended", channel))


def _is(note: Any, kind: str, channel: dict[str, Any]) -> bool:
    return bool(note.kind == kind and note.channel_id == channel["id"])


async def test_a_talk_outlives_the_application_and_its_caller_then_gets_to_leave_a_message(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with contextlib.AsyncExitStack() as stack:
        application = await stack.enter_async_context(listening(guarded))
        call, channel = await stack.enter_async_context(caller(application, world))
        leg = await application.leg_of(phones[0], channel)
        await application.bridge(channel["id"], leg)
        await application._events.close()
        await asyncio.sleep(LEASE_SECONDS + 0.5)  # no lease may end a talk
        assert "2 active channels" in await guarded.cli("core show channels count")
        phones[0].hang_up()
        await noted(guarded, lambda note: _is(note, "fallback", channel))
        await _left_alone(guarded)
        assert (await call.ask("BYE")).status == 200
        await noted(guarded, lambda note: _is(note, "ended", channel))
    assert "0 active channels" in await guarded.cli("core show channels count")
    kinds = [note.kind for note in read(guarded.paths.notes) if note.channel_id == channel["id"]]
    assert kinds == ["received", "fallback", "ended"]


async def test_a_leg_that_does_not_say_which_line_was_called_sends_its_caller_back_as_well(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        leg = await application.leg_of(phones[0], channel)
        await application.set(leg, "HUISHENG_LINE", "")
        await application.bridge(channel["id"], leg)
        phones[0].hang_up()
        await comes_back(application, channel)


async def test_in_a_conference_only_the_last_agent_to_leave_sends_the_caller_back(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        legs = [await application.leg_of(phone, channel) for phone in phones]
        bridge = await application.bridge(channel["id"], *legs)
        await application.ask("POST", f"bridges/{bridge}/record", name=bridge, format="wav")
        await application.ask("POST", f"bridges/{bridge}/moh")  # an announcer in the bridge
        for phone in phones[:2]:
            phone.hang_up()
            await stays(application, channel)
        phones[2].hang_up()
        await comes_back(application, channel)
        await application.ask("DELETE", f"bridges/{bridge}")


async def test_agents_who_hang_up_at_the_same_moment_send_the_caller_back_once_or_more(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        for _ in range(10):
            legs = [await application.leg_of(phone, channel) for phone in phones]
            bridge = await application.bridge(channel["id"], *legs)
            for phone in phones:
                phone.hang_up()
            await comes_back(application, channel)
            await application.ask("DELETE", f"bridges/{bridge}")
            await application.set_lease(channel["id"], 0)


@pytest.mark.parametrize("held", [False, True], ids=["talks", "on hold"])
async def test_agents_who_hang_up_at_the_same_moment_leave_nobody_alone_with_a_dead_application(
    guarded: AsteriskServer, world: World, phones: list[Phone], held: bool
):
    """Whoever leaves the bridge last is the only one named beside the caller: Asterisk takes a
    channel out of a bridge and names who is left in one step."""
    for apart in (0.0, 0.0, 0.001, 0.003, 0.01):
        async with contextlib.AsyncExitStack() as stack:
            application = await stack.enter_async_context(listening(guarded))
            call, channel = await stack.enter_async_context(caller(application, world))
            legs = [await application.leg_of(phone, channel) for phone in phones[:2]]
            bridge = await application.bridge(channel["id"], *legs)
            if held:
                await application.ask(
                    "POST", f"bridges/{bridge}/removeChannel", channel=channel["id"]
                )
            await application._events.close()
            for phone in phones[:2]:
                phone.hang_up()
                await asyncio.sleep(apart)
            await noted(guarded, lambda note, of=channel: _is(note, "fallback", of))
            await _left_alone(guarded)
            assert (await call.ask("BYE")).status == 200
            await noted(guarded, lambda note, of=channel: _is(note, "ended", of))
            await application.ask("DELETE", f"bridges/{bridge}")


async def test_a_caller_on_hold_goes_back_when_the_agent_hangs_up(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        leg = await application.leg_of(phones[0], channel)
        bridge = await application.bridge(channel["id"], leg)
        await application.ask("POST", f"bridges/{bridge}/removeChannel", channel=channel["id"])
        await application.ask("POST", f"channels/{channel['id']}/moh")
        phones[0].hang_up()
        await comes_back(application, channel)


async def test_a_leg_the_application_lets_go_leaves_its_caller_alone(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    """Transfers and drops: HUISHENG_CALLER is emptied first."""
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        leg = await application.leg_of(phones[0], channel)
        await application.bridge(channel["id"], leg)
        await application.set(leg, "HUISHENG_CALLER", "")
        await application.hang_up(leg)
        await stays(application, channel)


async def test_a_phone_that_rang_in_vain_leaves_its_caller_alone(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    phones[0].answers = False
    async with listening(guarded) as application, caller(application, world) as (_, channel):
        variables = {
            "CHANNEL(hangup_handler_push)": "huisheng-agent-gone,s,1",
            "HUISHENG_CALLER": channel["name"],
            "HUISHENG_LINE": LINE_NUMBER,
        }
        leg = await application.ring(phones[0], seconds=1, **variables)
        await application.event("ChannelDestroyed", channel=leg)
        await stays(application, channel)


async def test_an_agent_who_hangs_up_late_does_not_tear_the_caller_out_of_the_message(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    """In a consultation two agents are responsible for one caller on hold."""
    async with contextlib.AsyncExitStack() as stack:
        application = await stack.enter_async_context(listening(guarded))
        call, channel = await stack.enter_async_context(caller(application, world))
        legs = [await application.leg_of(phone, channel) for phone in phones[:2]]
        await application.bridge(*legs)
        await application._events.close()
        phones[0].hang_up()
        await noted(guarded, lambda note: _is(note, "fallback", channel))
        phones[1].hang_up()
        await _left_alone(guarded)
        assert (await call.ask("BYE")).status == 200
        await noted(guarded, lambda note: _is(note, "ended", channel))
    kinds = [note.kind for note in read(guarded.paths.notes) if note.channel_id == channel["id"]]
    assert kinds == ["received", "fallback", "ended"]


async def _left_alone(server: AsteriskServer) -> None:
    """Wait until only one channel is left, which the dialplan serves alone."""
    async with asyncio.timeout(5):
        while True:
            shown = await server.cli("core show channels concise")
            if shown.count("PJSIP/") == 1 and "!Record!" in shown:
                return
            await asyncio.sleep(0.05)


async def test_a_leg_waits_for_a_dead_application_only_as_long_as_it_was_told(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application:
        leg = await application.ring(phones[0], **{"TIMEOUT(absolute)": "2"})
        await application.event("StasisStart", channel=leg)
        with pytest.raises(TimeoutError):
            await application.event("StasisEnd", 1, channel=leg)
        await application.event("ChannelDestroyed", 2, channel=leg)
        # Nor does it ring for ever.
        phones[0].answers = False
        leg = await application.ring(phones[0], **{"TIMEOUT(absolute)": "1"})
        await application.event("ChannelDestroyed", 3, channel=leg)


async def test_a_customer_whom_we_called_goes_back_like_one_who_called(
    guarded: AsteriskServer, world: World, phones: list[Phone]
):
    async with listening(guarded) as application:
        leg = await application.ring(phones[1])
        customer = (await application.event("StasisStart", channel=leg))["channel"]
        customer["dialplan"] = {"exten": LINE_NUMBER}
        agent = await application.leg_of(phones[0], customer)
        await application.bridge(leg, agent)
        phones[0].hang_up()
        await comes_back(application, customer)
        await application.hang_up(leg)
