"""What becomes of a caller when the application is there, is gone, or is frozen."""

import asyncio
import shutil
from collections.abc import Callable
from urllib.parse import quote

import pytest

from asterisk_conf.notes import Note, read
from asterisk_conf.numbers import spellings
from asterisk_conf.server import AsteriskServer
from tests.asterisk_conf.application import listening
from tests.asterisk_conf.conftest import LEASE_SECONDS, World, dial_as_agent
from tests.rig.asterisk import LINE_NUMBER
from tests.rig.sip import SipAgent

pytestmark = pytest.mark.asterisk


async def noted(server: AsteriskServer, wanted: Callable[[Note], bool]) -> Note:
    """The newest note that is `wanted`, waited for."""
    async with asyncio.timeout(10):
        while True:
            for note in reversed(read(server.paths.notes)):
                if wanted(note):
                    return note
            await asyncio.sleep(0.05)


async def test_every_spelling_of_the_number_arrives_as_the_published_one(
    guarded: AsteriskServer, world: World
):
    async with listening(guarded) as application:
        for spelling in spellings(LINE_NUMBER):
            call = world.carrier.invite(spelling)
            start = await application.event("StasisStart")
            assert start["args"] == ["line", LINE_NUMBER]
            assert start["channel"]["dialplan"]["exten"] == LINE_NUMBER
            assert start["channel"]["id"].startswith("huisheng-")
            await application.hang_up(start["channel"]["id"])
            assert (await call.final()).status >= 400


async def test_the_note_of_a_call_stands_before_the_application_hears_of_it(
    guarded: AsteriskServer, world: World
):
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER, caller="02223456789")
        start = await application.event("StasisStart")
        note = read(guarded.paths.notes)[-1]
        await application.hang_up(start["channel"]["id"])
        await call.final()
    assert note.kind == "received"
    assert note.channel_id == start["channel"]["id"]
    assert note.line_number == LINE_NUMBER
    assert note.channel_name == start["channel"]["name"]
    assert note.caller_id == "02223456789"


HOSTILE_CALLERS = [
    "${SHELL(touch /tmp/huisheng-was-here)}",
    "1)},${SHELL(id)}",
    "a,b,c",
    "a\nfallback,1,forged",
    "a\r\nreceived,1,forged,4001234567,x,y",
    '"><script>',
    "a:0:1)",
    "a%0Ab",
    "张敏",
    "\udcff\udcfe",
    "9" * 3000,
    "(((((",
    "$[1+1]",
    "\\",
]


@pytest.mark.parametrize("caller", HOSTILE_CALLERS, ids=range(len(HOSTILE_CALLERS)))
async def test_a_callers_text_stays_one_field_of_one_note(
    guarded: AsteriskServer, world: World, caller: str
):
    before = len(read(guarded.paths.notes))
    sent = quote(caller.encode(errors="surrogateescape"), safe="")
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER, caller=sent)
        start = await application.event("StasisStart")
        await application.hang_up(start["channel"]["id"])
        await call.final()
    channel = start["channel"]["id"]
    await noted(guarded, lambda note: note.kind == "ended" and note.channel_id == channel)
    assert {note.channel_id for note in read(guarded.paths.notes)[before:]} == {channel}
    lines = guarded.paths.notes.read_text(errors="replace").splitlines()
    assert all(line.startswith(("received,", "fallback,", "message,", "ended,")) for line in lines)
    assert max(map(len, lines)) < 400


async def test_the_application_renews_and_lifts_the_lease(guarded: AsteriskServer, world: World):
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER)
        channel = (await application.event("StasisStart"))["channel"]["id"]
        await application.set_lease(channel, 0)
        with pytest.raises(TimeoutError):
            await application.event("StasisEnd", LEASE_SECONDS + 1)
        await application.set_lease(channel, 1)
        await application.event("StasisEnd", 3)
        assert (await call.final()).status == 200
        await noted(guarded, lambda note: note.kind == "fallback" and note.channel_id == channel)
        assert (await call.ask("BYE")).status == 200


async def test_the_lease_is_renewed_while_a_prompt_plays(guarded: AsteriskServer, world: World):
    """Set over POST, a variable waits for the prompt's end, and takes FILE() from the dialplan."""
    shutil.copy(guarded.paths.music / "waiting.wav", guarded.paths.sounds / "huisheng" / "long.wav")
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER)
        channel = (await application.event("StasisStart"))["channel"]["id"]
        await application.ask("POST", f"channels/{channel}/play", media="sound:huisheng/long")
        await application.event("PlaybackStarted")
        async with asyncio.timeout(0.5):
            await application.set_lease(channel, LEASE_SECONDS)
        await application.hang_up(channel)
        assert (await call.final()).status >= 400


async def test_however_a_call_ends_the_end_is_noted(guarded: AsteriskServer, world: World):
    async with listening(guarded) as application:
        given_up = world.carrier.invite(LINE_NUMBER)
        first = (await application.event("StasisStart"))["channel"]["id"]
        given_up.cancel()
        hung_up = world.carrier.invite(LINE_NUMBER)
        second = (await application.event("StasisStart"))["channel"]["id"]
        await application.ask("POST", f"channels/{second}/answer")
        await hung_up.final()
        await hung_up.ask("BYE")
        third_call = world.carrier.invite(LINE_NUMBER)
        third = (await application.event("StasisStart"))["channel"]["id"]
        await application.hang_up(third)
        await third_call.final()
    for channel in (first, second, third):
        await noted(
            guarded,
            lambda note, channel=channel: note.kind == "ended" and note.channel_id == channel,
        )


async def test_a_caller_the_application_is_done_with_is_hung_up_not_served_twice(
    guarded: AsteriskServer, world: World
):
    async with listening(guarded) as application:
        call = world.carrier.invite(LINE_NUMBER)
        channel = (await application.event("StasisStart"))["channel"]["id"]
        await application.give_back(channel)
        assert (await call.final()).status >= 400
    assert not [
        note
        for note in read(guarded.paths.notes)
        if note.channel_id == channel and note.kind == "fallback"
    ]


async def test_signs_of_life_inside_a_call_are_answered(guarded: AsteriskServer, world: World):
    """A carrier hangs up when its OPTIONS or empty INFO get no answer."""
    call = world.carrier.invite(LINE_NUMBER)
    assert (await call.final()).status == 200
    for method in ("OPTIONS", "INFO"):
        assert (await call.ask(method)).status == 200
    assert (await call.ask("BYE")).status == 200


async def test_a_call_leaves_a_record_with_its_linked_id(guarded: AsteriskServer, world: World):
    call = world.carrier.invite(LINE_NUMBER)
    await call.final()
    channel = read(guarded.paths.notes)[-1].channel_id
    await call.ask("BYE")
    await _recorded(guarded, channel)


async def _recorded(server: AsteriskServer, channel: str) -> None:
    """Wait for the call record of a trunk channel."""
    async with asyncio.timeout(10):
        while f'"{channel}","{channel}"' not in _records(server):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.05)


def _records(server: AsteriskServer) -> str:
    path = server.paths.call_records
    return path.read_text(errors="replace") if path.exists() else ""


async def test_an_agents_feature_code_reaches_the_application(
    guarded: AsteriskServer, world: World
):
    async with listening(guarded) as application:
        dialled = asyncio.create_task(dial_as_agent(guarded, world.phone, "*70"), name="dial")
        start = await application.event("StasisStart")
        assert start["args"] == ["feature", "*70", "8001"]
        await application.hang_up(start["channel"]["id"])
        assert await dialled >= 400


async def test_a_trusted_carriers_asserted_identity_is_the_caller_and_anothers_is_not(
    guarded: AsteriskServer, world: World
):
    header = "P-Asserted-Identity: <sip:02287654321@carrier.example>"
    async with listening(guarded) as application:
        for side, number in ((world.carrier, "02287654321"), (world.hotline, "13900139000")):
            call = side.invite(LINE_NUMBER, header, caller="13900139000")
            start = await application.event("StasisStart")
            assert start["channel"]["caller"]["number"] == number
            await application.hang_up(start["channel"]["id"])
            await call.final()


ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


@pytest.mark.parametrize(
    ("trunk", "sender", "number"),
    [
        ("carrier", ANONYMOUS, "02287650001"),
        ("carrier", "<sip:02287650002@carrier.example>", "02287650002"),
        ("hotline", ANONYMOUS, "02287650003"),
    ],
)
async def test_a_withheld_number_is_known_to_nobody_behind_the_carrier(
    guarded: AsteriskServer, world: World, trunk: str, sender: str, number: str
):
    """Neither the application, nor the note, nor the call record learns it."""
    headers = (f'P-Asserted-Identity: "Li Ming" <sip:{number}@carrier.example>', "Privacy: id")
    side: SipAgent = getattr(world, trunk)
    async with listening(guarded) as application:
        call = side.invite(LINE_NUMBER, *headers, sender=sender)
        start = await application.event("StasisStart")
        assert number not in str(start)
        assert "Li Ming" not in str(start)
        assert start["channel"]["caller"]["number"] == "anonymous"
        note = read(guarded.paths.notes)[-1]
        assert (note.channel_id, note.caller_id) == (start["channel"]["id"], "anonymous")
        await application.hang_up(start["channel"]["id"])
        await call.final()
        await _recorded(guarded, start["channel"]["id"])
    assert number not in _records(guarded)
