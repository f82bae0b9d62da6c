"""Is a caller served well by the dialplan alone, wherever the application left him?"""

import asyncio
import contextlib
import shutil
import socket
import wave

import pytest

from asterisk_conf.notes import read
from asterisk_conf.render import SILENCE_SECONDS
from asterisk_conf.server import AsteriskServer
from tests.asterisk_conf.application import listening
from tests.asterisk_conf.conftest import CARRIER, LEASE_SECONDS, PHONE, World
from tests.asterisk_conf.phone import audible, send_silence
from tests.asterisk_conf.test_dialplan import noted
from tests.rig.asterisk import LINE_NUMBER, BootAsterisk
from tests.rig.ports import free_port
from tests.rig.rtp import send_tone, target
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk


async def test_nobody_listens_so_the_dialplan_takes_the_callers_message(
    guarded: AsteriskServer, world: World
):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind((CARRIER, 0))
        call = world.carrier.invite(LINE_NUMBER, media_port=media.getsockname()[1])
        answer = await call.final()
        assert answer.status == 200
        note = await noted(guarded, lambda note: note.kind == "fallback")
        await send_tone(media, target(answer.body), 2)
        assert (await call.ask("BYE")).status == 200
    missing = [line for line in guarded.complaints() if "file.c" in line]
    assert missing == []  # a prompt that is not there is passed over, the tone is there
    said = await noted(guarded, lambda found: found.kind == "message")
    assert said.channel_id == note.channel_id
    with wave.open(str(guarded.paths.messages / said.file)) as message:
        assert message.getframerate() == 8000
        assert 0.5 < message.getnframes() / 8000 < 2.5


async def test_a_frozen_application_loses_the_caller_to_the_dialplan_when_the_lease_ends(
    guarded: AsteriskServer, world: World
):
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER)
        start = await application.event("StasisStart")
        answer = await call.final(LEASE_SECONDS + 5)  # the fallback answers, not we
        assert answer.status == 200
        channel = start["channel"]["id"]
        assert (await application.event("StasisEnd"))["channel"]["id"] == channel
        await noted(guarded, lambda note: note.kind == "fallback" and note.channel_id == channel)
        assert (await call.ask("BYE")).status == 200


async def test_a_caller_is_served_alone_even_where_asterisk_forbids_the_note(
    guarded: AsteriskServer, world: World
):
    """An application that sets variables over POST leaves the channel's thread without FILE()."""
    beep = guarded.paths.sounds / "huisheng" / "nobody.wav"
    shutil.copy(guarded.paths.sounds / "huisheng" / "beep.wav", beep)
    try:
        async with listening(guarded) as application:
            call = world.carrier.invite(LINE_NUMBER)
            channel = (await application.event("StasisStart"))["channel"]["id"]
            await application.ask(
                "POST", f"channels/{channel}/variable", variable="TIMEOUT(absolute)", value="1"
            )
            await application.event("StasisEnd", 3)
            assert (await call.final()).status == 200
        async with asyncio.timeout(5):
            while not (guarded.paths.messages / f"{channel}.wav").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await call.ask("BYE")).status == 200
    finally:
        beep.unlink()


@pytest.mark.parametrize("doing", ["music", "prompt", "recording", "bridge", "mute"])
async def test_a_caller_is_served_alone_whatever_the_application_was_doing_when_it_froze(
    guarded: AsteriskServer, world: World, doing: str
):
    """He hears the prompts, not the music or the prompt that was left; then he is listened to."""
    shutil.copy(guarded.paths.music / "waiting.wav", guarded.paths.sounds / "huisheng" / "long.wav")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind((CARRIER, 0))
        async with listening(guarded) as application:
            call = world.carrier.invite(LINE_NUMBER, media_port=media.getsockname()[1])
            channel = (await application.event("StasisStart"))["channel"]["id"]
            await application.ask("POST", f"channels/{channel}/answer")
            answer = await call.final()
            if doing == "music":
                await application.ask("POST", f"channels/{channel}/moh")
            elif doing == "prompt":
                long = {"media": "sound:huisheng/long"}
                await application.ask("POST", f"channels/{channel}/play", **long)
            elif doing == "recording":
                await application.ask(
                    "POST", f"channels/{channel}/record", name=f"r-{channel}", format="wav"
                )
            elif doing == "mute":
                await application.ask("POST", f"channels/{channel}/mute", direction="out")
            else:
                bridge = await application.bridge(channel)
                await application.ask("POST", f"bridges/{bridge}/moh")
            await application.set_lease(channel, 1)
            await noted(
                guarded, lambda note: note.kind == "fallback" and note.channel_id == channel
            )
            await send_tone(media, target(answer.body), 2.5)  # through the tone and beyond it
            media.setblocking(False)
            loud = 0
            with contextlib.suppress(BlockingIOError):
                while packet := media.recv(2048):
                    loud = loud + 1 if audible(packet) else 0
            assert loud < 10  # at the end there was silence
            assert (await call.ask("BYE")).status == 200
            said = await noted(
                guarded, lambda note: note.kind == "message" and note.channel_id == channel
            )
            with wave.open(str(guarded.paths.messages / said.file)) as message:
                assert message.getnframes() > 8000
    await noted(guarded, lambda note: note.kind == "ended" and note.channel_id == channel)
    assert "0 active channels" in await guarded.cli("core show channels count")


async def test_who_hangs_up_while_thanked_has_left_a_message(guarded: AsteriskServer, world: World):
    thanks = guarded.paths.sounds / "huisheng" / "thanks.wav"
    shutil.copy(guarded.paths.music / "waiting.wav", thanks)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
            media.bind((CARRIER, 0))
            call = world.carrier.invite(LINE_NUMBER, media_port=media.getsockname()[1])
            answer = await call.final()
            channel = read(guarded.paths.notes)[-1].channel_id
            await send_tone(media, target(answer.body), 1)
            await send_silence(media, target(answer.body), SILENCE_SECONDS + 1)
            assert "huisheng/thanks" in await guarded.cli("core show channels concise")
            assert (await call.ask("BYE")).status == 200
    finally:
        thanks.unlink()
    await noted(guarded, lambda note: note.kind == "message" and note.channel_id == channel)


async def test_agents_are_rung_first_if_the_administrator_wants_it_so(
    fresh_asterisk: BootAsterisk,
):
    """The application is down; the agent's phone is busy, so the caller gets to leave a message."""
    port = free_port()
    server = fresh_asterisk(
        fallback_ring_seconds=5,
        agents=[
            {
                "extension": "8001",
                "name": "张敏",
                "team": "tianjin",
                "contact": f"sip:8001@{PHONE}:{port}",
            }
        ],
    )
    sip = ("127.0.0.1", server.pbx.sip.port)
    phone = await SipAgent.open(PHONE, port, sip)
    caller = await SipAgent.open("127.0.0.1", free_port(), sip)
    try:
        call = caller.invite(LINE_NUMBER)
        assert (await call.final()).status == 200
        async with asyncio.timeout(5):
            await phone.arrived.wait()
        assert "8001@" in phone.invites[0].first_line
        message = server.paths.messages
        async with asyncio.timeout(15):
            while not list(message.iterdir()):  # noqa: ASYNC110 - a folder has no event
                await asyncio.sleep(0.05)
        assert (await call.ask("BYE")).status == 200
    finally:
        phone.close()
        caller.close()
