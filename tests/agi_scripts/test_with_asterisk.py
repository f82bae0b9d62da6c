"""The scripts called by a real Asterisk: what we believe of `res_agi`, and what a dialplan gets."""

import asyncio
import wave
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from agi_scripts.protocol import MAX_COMMAND_BYTES, command, set_variable
from agi_scripts.script import Script, Services
from agi_scripts.scripts import SCRIPTS
from agi_scripts.server import AgiServer
from agi_scripts.session import Session
from asterisk_conf.secrets import ARI_USER
from asterisk_conf.server import AsteriskServer
from desk import recordings, tickets
from desk.db.engine import Database
from tests.agi_scripts.conftest import StartServer
from tests.rig.asterisk import BootAsterisk
from tests.rig.ports import free_port

pytestmark = pytest.mark.asterisk

SECONDS = 10.0
SPEAK = f"Playback({'&'.join(['beep'] * 30)})"  # what the caller says


@pytest.fixture
async def db(tmp_path: Path):
    """The scripts are tested on every database elsewhere."""
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as database:
        yield database


@pytest.fixture(scope="module")
def asterisk(boot_asterisk: BootAsterisk) -> AsteriskServer:
    """One of our own: the tests make it complain."""
    return boot_asterisk()


@pytest.fixture
def services(services: Services) -> Services:
    """Nobody waits two minutes for a caller who sings."""
    return replace(services, message_seconds=1.0)


Dial = Callable[..., Awaitable[list[tuple[str, ...]]]]


async def _originate(asterisk: AsteriskServer, context: str) -> None:
    query = {"endpoint": f"Local/100@{context}/n", "context": context, "extension": "speak"}
    login = {"Authorization": aiohttp.encode_basic_auth(ARI_USER, asterisk.secrets.ari)}
    async with (
        aiohttp.ClientSession(headers=login) as http,
        http.post(f"{asterisk.ari_url}/channels", params=query) as response,
    ):
        assert response.status == 200, await response.text()


class Told:
    """A script of the test: what the dialplan passes to it, in order."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    async def run(self, session: Session, services: Services) -> None:
        await self.calls.put(session.request.arguments)


@pytest.fixture
def dial(asterisk: AsteriskServer):
    """`await dial(port, told, *steps)`: run the steps on a channel of a real Asterisk, and return
    what the last one, a call of the script `told`, passes."""

    async def run(port: int, told: Told, *steps: str, tell: str) -> tuple[str, ...]:
        context = f"agi-{uuid4().hex[:8]}"
        last = f"AGI(agi://127.0.0.1:{port}/told,{tell})"
        try:
            for priority, step in enumerate([*steps, last], start=1):
                added = await asterisk.cli(
                    f"dialplan add extension 100,{priority},{step} into {context}"
                )
                assert "added" in added, added
            await asterisk.cli(f"dialplan add extension speak,1,{SPEAK} into {context}")
            await _originate(asterisk, context)
            async with asyncio.timeout(SECONDS):
                return await told.calls.get()
        finally:
            await asterisk.cli("channel request hangup all")
            async with asyncio.timeout(SECONDS):
                # Asterisk's command line has nothing to wait for.
                while "0 active channels" not in await asterisk.cli("core show channels count"):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await asterisk.cli(f"dialplan remove context {context}")

    return run


async def _serve(start_server: StartServer, *more: Script) -> tuple[AgiServer, Told]:
    told = Told()
    scripts = {**SCRIPTS, "told": Script("told", told.run), **{s.name: s for s in more}}
    return await start_server(scripts), told


async def test_a_dialplan_learns_where_its_caller_is_from(start_server: StartServer, dial) -> None:
    server, told = await _serve(start_server)
    got = await dial(
        server.port,
        told,
        "Set(CALLERID(num)=02423456789)",
        f"AGI(agi://127.0.0.1:{server.port}/area_code)",
        tell="${HS_CITIES},${HS_AREA_CODE},${HS_NUMBER},${HS_RESULT},${AGISTATUS}",
    )
    assert got == ("沈阳/抚顺/铁岭/本溪", "024", "+862423456789", "OK", "SUCCESS")


NASTY = "a\"b\\c\\\\ 'd' ${SHELL(x)} $[1+1] ;|&,() 天津 \\\""


async def test_values_arrive_as_they_were_sent(start_server: StartServer, dial) -> None:
    values = [NASTY, "", " ", '"', "\\", "\\\\", " two  blanks ", "长" * 300]
    seen: list[str] = []

    async def echo(session: Session, services: Services) -> None:
        for value in values:
            await session.set_variables({"HS_ECHO": value})
            reply = await session._ask(command("GET", "VARIABLE", "HS_ECHO"))
            seen.append(reply.note)
        longest = MAX_COMMAND_BYTES - len(set_variable("HS_ECHO", ""))
        await session.set_variables({"HS_ECHO": "x" * longest})

    server, told = await _serve(start_server, Script("echo", echo))
    agi = f"AGI(agi://127.0.0.1:{server.port}/echo)"
    (length,) = await dial(server.port, told, agi, tell="${LEN(${HS_ECHO})}")
    assert seen == values
    assert int(length) == MAX_COMMAND_BYTES - len(set_variable("HS_ECHO", ""))


async def test_asterisk_takes_a_line_that_is_too_long_for_two(
    start_server: StartServer, dial
) -> None:
    """Why values are bounded: what is beyond Asterisk's buffer is a command of its own."""
    replies: list[str] = []

    async def too_long(session: Session, services: Services) -> None:
        session._writer.write(b'SET VARIABLE HS_X "' + b"x" * 8_200 + b'"\n')
        replies.extend([await session._read_line() for _ in range(2)])

    server, told = await _serve(start_server, Script("too_long", too_long))
    await dial(server.port, told, f"AGI(agi://127.0.0.1:{server.port}/too_long)", tell="x")
    assert replies == ["200 result=1", "510 Invalid or unknown command"]


async def test_a_line_break_in_a_callers_name_reaches_us_and_is_refused(
    start_server: StartServer, dial
) -> None:
    server, told = await _serve(start_server)
    got = await dial(
        server.port,
        told,
        "Set(HS_RESULT=)",
        "Set(CALLERID(name)=${URIDECODE(x%0aagi_callerid:%2001062345678)})",
        f"AGI(agi://127.0.0.1:{server.port}/area_code)",
        "Set(CALLERID(name)=x)",
        tell="${HS_CITY},${HS_RESULT},${AGISTATUS}",
    )
    assert got == ("", "", "SUCCESS"), "so AGISTATUS says little, and the dialplan goes on"
    assert server.counters.bad_request == 1


async def test_without_a_server_the_dialplan_goes_on(start_server: StartServer, dial) -> None:
    server, told = await _serve(start_server)
    got = await dial(
        server.port,
        told,
        "Set(HS_RESULT=)",
        f"AGI(agi://127.0.0.1:{free_port()}/area_code)",
        tell="${HS_RESULT},${AGISTATUS}",
    )
    assert got == ("", "FAILURE")


async def test_a_message_left_with_a_real_asterisk_is_a_ticket(
    start_server: StartServer, dial, services: Services
) -> None:
    server, told = await _serve(start_server)
    got = await dial(
        server.port,
        told,
        "Set(CALLERID(num)=02253456789)",
        f"AGI(agi://127.0.0.1:{server.port}/leave_message,repair)",
        tell="${HS_RESULT},${HS_TICKET_NUMBER},${HS_MESSAGE_SECONDS},${UNIQUEID}",
    )
    ticket = await services.db.read(tickets.by_number, got[1])
    assert ticket is not None
    assert ticket.subject == "天津 报修"
    (recording,) = await services.db.read(recordings.of_call, got[3])
    assert recording.seconds == pytest.approx(1.0, abs=0.3)
    with wave.open(recording.path) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8_000, 2, 1)
        assert file.getnframes() / 8_000 == pytest.approx(recording.seconds, abs=0.01)
