"""The server against connections that are broken, slow, endless, hostile or too many: one of them
must never delay a caller."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agi_scripts.script import Script, Services
from agi_scripts.server import AgiServer
from agi_scripts.session import MAX_LINES, Session
from agi_scripts.settings import AgiSettings
from ari_app.settings import load
from desk.db.engine import Database
from desk.errors import DatabaseBusy
from tests.agi_scripts.conftest import StartServer
from tests.agi_scripts.dialplan import Channel, call, header

FOREVER = 30.0  # a deadline that a test must not reach


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """The server does not care which database it is."""
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as database:
        yield database


class _Connection:
    """A client that may misbehave."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def closed_by_server(self) -> bytes:
        """Everything the server sent before it closed the connection."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@pytest.fixture
async def connect() -> AsyncIterator:
    opened: list[_Connection] = []

    async def open_one(server: AgiServer, address: str = "127.0.0.1") -> _Connection:
        connection = _Connection(*await asyncio.open_connection(address, server.port))
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.writer.transport.abort()


async def until(condition) -> None:
    """Give the server turns until something has happened."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - counters, not events, are what operators see
            await asyncio.sleep(0)


async def well_served(server: AgiServer) -> None:
    """Another caller is served at once."""
    async with asyncio.timeout(1):
        channel = await call(server.port, header("area_code"))
    assert channel.variables["HS_AREA_CODE"] == "022"


async def test_half_a_header_then_closed_is_one_bad_request(
    start_server: StartServer, connect
) -> None:
    server = await start_server(header_seconds=FOREVER)
    half = await connect(server)
    half.writer.write(header("area_code")[:60])
    half.writer.close()
    await until(lambda: server.counters.bad_request == 1)
    await until(lambda: server.counters.open == 0)
    await well_served(server)


async def test_a_reset_within_the_header_is_one_bad_request(
    start_server: StartServer, connect
) -> None:
    server = await start_server(header_seconds=FOREVER)
    rude = await connect(server)
    rude.writer.write(b"agi_network: yes\n")
    await until(lambda: server.counters.open == 1)
    linger = struct.pack("ii", 1, 0)
    rude.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    rude.writer.transport.abort()
    await until(lambda: server.counters.bad_request == 1)
    await well_served(server)


async def test_a_silent_connection_ends_with_its_deadline(
    start_server: StartServer, connect
) -> None:
    server = await start_server(header_seconds=0.05)
    silent = await connect(server)
    assert await silent.closed_by_server() == b""
    await until(lambda: server.counters.timed_out == 1)
    await well_served(server)


async def test_a_byte_now_and_then_does_not_extend_the_deadline(
    start_server: StartServer, connect
) -> None:
    server = await start_server(header_seconds=0.3)
    slow = await connect(server)
    started = asyncio.get_running_loop().time()

    async def trickle() -> None:
        for byte in header("area_code"):
            slow.writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(trickle(), name="trickle")
    await slow.closed_by_server()
    task.cancel()
    assert asyncio.get_running_loop().time() - started < 3
    assert server.counters.timed_out == 1


@pytest.mark.parametrize(
    "endless",
    [b"agi_x_%d: y\n", b"a" * 4_000, b"agi_arg_1: " + b"x" * 10_000 + b"\n", b"\xff" * 4_000],
    ids=["lines", "no line end", "10 kB values", "no text"],
)
async def test_an_endless_header_is_cut_at_its_bound(
    start_server: StartServer, connect, endless: bytes
) -> None:
    server = await start_server(header_seconds=FOREVER, header_bytes=8_192)
    flood = await connect(server)

    async def pour() -> None:
        number = 0
        while True:
            flood.writer.write(endless % number if b"%d" in endless else endless)
            await flood.writer.drain()
            number += 1

    task = asyncio.create_task(pour(), name="pour")
    await flood.closed_by_server()
    await asyncio.gather(task, return_exceptions=True)
    assert server.counters.bad_request == 1
    await well_served(server)


async def test_a_header_of_exactly_the_bound_is_read(start_server: StartServer) -> None:
    server = await start_server(header_bytes=1_024)
    plain = header("area_code", agi_calleridname="")
    fitting = header("area_code", agi_calleridname="x" * (1_024 - len(plain)))
    channel = await call(server.port, fitting)
    assert channel.variables["HS_RESULT"] == "OK"
    channel = await call(server.port, header("area_code", agi_calleridname="x" * 1_024))
    assert channel.variables == {}


async def test_a_line_break_in_a_caller_name_runs_nothing(start_server: StartServer) -> None:
    server = await start_server()
    for name in (
        "x\nagi_callerid: 01062345678",
        "x\nagi_network_script: leave_message",
        "x\nEXEC System reboot",
        "x\r\nSET VARIABLE A B",
        "x\n\n200 result=1\nHANGUP",
    ):
        channel = await call(server.port, header("area_code", agi_calleridname=name))
        for words in channel.commands:
            assert words[:2] == ["SET", "VARIABLE"]
            assert words[2].startswith("HS_")
    await well_served(server)


async def test_metacharacters_in_number_and_name_mean_nothing(start_server: StartServer) -> None:
    server = await start_server()
    for number in ('"', "\\", '022" "x', "${SHELL(reboot)}", "'; DROP TABLE calls", "9" * 5_000):
        channel = await call(
            server.port, header("area_code", agi_callerid=number, agi_calleridname=number)
        )
        assert channel.variables["HS_NUMBER_KIND"] in ("unknown", "invalid", "hidden")
        assert channel.variables["HS_NUMBER"] == ""


async def test_a_strangers_address_is_not_served(start_server: StartServer, connect) -> None:
    server = await start_server(host="127.0.0.1", allow=["192.0.2.7", "198.51.100.0/24"])
    stranger = await connect(server)
    stranger.writer.write(header("area_code"))
    assert await stranger.closed_by_server() == b""
    assert server.counters.not_allowed == 1
    assert server.counters.open == 0


async def test_a_network_may_be_allowed(start_server: StartServer, connect) -> None:
    server = await start_server(host="127.0.0.1", allow=["192.0.2.0/24", "127.0.0.0/8"])
    await well_served(server)
    try:
        six = await start_server(host="::1", allow=["127.0.0.1"])
    except OSError:
        pytest.skip("this machine has no IPv6")
    stranger = await connect(six, "::1")
    await stranger.closed_by_server()
    assert six.counters.not_allowed == 1


async def test_more_connections_than_allowed_are_refused_and_the_rest_is_served(
    start_server: StartServer, connect
) -> None:
    server = await start_server(connections=3, header_seconds=FOREVER)
    waiting = [await connect(server) for _ in range(3)]
    await until(lambda: server.counters.open == 3)
    late = await connect(server)
    assert await late.closed_by_server() == b""
    assert server.counters.refused == 1
    waiting[0].writer.close()
    await until(lambda: server.counters.open == 2)
    await well_served(server)


async def test_a_thousand_broken_connections_leave_nothing_behind(
    start_server: StartServer,
) -> None:
    server = await start_server(connections=50, header_seconds=0.2)

    async def broken(number: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(header("area_code")[: number % 200])
        writer.close()
        await writer.wait_closed()

    for batch in range(0, 1_000, 40):
        await asyncio.gather(*(broken(number) for number in range(batch, batch + 40)))
    await until(lambda: server.counters.open == 0)
    assert [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("agi-")] == []
    await well_served(server)


async def _stuck(session: Session, services: Services) -> None:
    await session.set_variables({"HS_X": "1"})
    await asyncio.Event().wait()


async def _broken(session: Session, services: Services) -> None:
    raise KeyError("a fault of ours")


async def _busy(session: Session, services: Services) -> None:
    raise DatabaseBusy("the desk is busy")


async def _line_break(session: Session, services: Services) -> None:
    await session.set_variables({"HS_X": "1\nEXEC System reboot"})


async def _talkative(session: Session, services: Services) -> None:
    while True:
        await session.set_variables({"HS_X": "1"})


ODD = {
    script.name: script
    for script in (
        Script("stuck", _stuck),
        Script("broken", _broken),
        Script("busy", _busy),
        Script("line_break", _line_break),
        Script("talkative", _talkative),
    )
}


async def test_a_script_that_takes_too_long_is_ended(start_server: StartServer) -> None:
    server = await start_server(ODD, script_seconds=0.05)
    await call(server.port, header("stuck"))
    await until(lambda: server.counters.timed_out == 1)


async def test_a_client_that_never_replies_is_ended(start_server: StartServer, connect) -> None:
    server = await start_server(script_seconds=0.05)
    deaf = await connect(server)
    deaf.writer.write(header("area_code"))
    assert b"SET VARIABLE" in await deaf.closed_by_server()
    await until(lambda: server.counters.timed_out == 1)


@pytest.mark.parametrize("script", ["broken", "busy", "line_break"])
async def test_a_failed_script_tells_the_dialplan(start_server: StartServer, script: str) -> None:
    server = await start_server(ODD)
    channel = await call(server.port, header(script))
    assert channel.variables == {"HS_RESULT": "ERROR"}
    assert server.counters.failed == 1
    assert server.counters.served == 0


async def test_an_unknown_script_is_a_bad_request(start_server: StartServer) -> None:
    server = await start_server()
    channel = await call(server.port, header("reboot"))
    assert channel.commands == []
    assert server.counters.bad_request == 1


async def test_endless_replies_are_cut(start_server: StartServer) -> None:
    server = await start_server(ODD, script_seconds=FOREVER)
    channel = await call(server.port, header("talkative"))
    assert len(channel.commands) == MAX_LINES + 1
    assert server.counters.failed == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"hello\n",
        b"200 result=1" + b"x" * 5_000 + b"\n",
        b"x" * 40_000,
        b"520-usage\n" * 2_000,
        b"HANGUP\n" * 2_000,
        b"\xff\xfe\n",
        b"510 Invalid or unknown command\n",
        b"520-Invalid command syntax.  Proper usage follows:\nUsage\n520 End of proper usage.\n",
    ],
    ids=range(8),
)
async def test_odd_replies_end_the_script_not_the_server(
    start_server: StartServer, connect, reply: bytes
) -> None:
    server = await start_server(script_seconds=FOREVER)
    odd = await connect(server)
    odd.writer.write(header("area_code"))
    await odd.reader.readline()
    odd.writer.write(reply * 2)
    await odd.closed_by_server()
    await until(lambda: server.counters.failed == 1)
    await well_served(server)


async def test_a_hang_up_notice_between_replies_is_understood(start_server: StartServer) -> None:
    server = await start_server()
    channel = Channel(answers={"SET": lambda words: "HANGUP\n200 result=1"})
    await call(server.port, header("area_code"), channel)
    assert [words[2] for words in channel.commands][-1] == "HS_RESULT"
    assert server.counters.served == 1


async def test_asterisk_going_away_in_a_script_is_counted_not_raised(
    start_server: StartServer, connect
) -> None:
    server = await start_server()
    gone = await connect(server)
    gone.writer.write(header("area_code"))
    await gone.reader.readline()
    gone.writer.close()
    await until(lambda: server.counters.disconnected == 1)


async def test_closing_ends_connections_in_every_state(start_server: StartServer, connect) -> None:
    server = await start_server(ODD, header_seconds=FOREVER, script_seconds=FOREVER)
    silent, half, stuck = [await connect(server) for _ in range(3)]
    half.writer.write(b"agi_network: yes\n")
    stuck.writer.write(header("stuck"))
    await stuck.reader.readline()
    stuck.writer.write(b"200 result=1\n")
    await until(lambda: server.counters.open == 3)
    async with asyncio.timeout(2):
        await server.aclose()
        await server.aclose()
    for connection in (silent, half, stuck):
        await connection.closed_by_server()
    assert server.counters.open == 0
    assert [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("agi-")] == []
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection("127.0.0.1", stuck.writer.get_extra_info("peername")[1])


async def test_a_closed_server_starts_again(start_server: StartServer) -> None:
    server = await start_server()
    await server.aclose()
    await server.start(0)
    await well_served(server)


def test_the_settings_of_the_package_are_those_of_config_yaml() -> None:
    settings = load(Path(__file__).parents[2] / "config.yaml").agi
    assert settings == AgiSettings()
    with pytest.raises(ValueError, match="allow"):
        AgiSettings(allow=["localhost"])
