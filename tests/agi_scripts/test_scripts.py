"""What each script tells the dialplan, on both databases."""

import asyncio
import os
import wave
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agi_scripts import leave_message
from agi_scripts.script import Services
from agi_scripts.scripts import SCRIPTS
from agi_scripts.server import AgiServer
from desk import customers, journal, recordings, tickets
from desk.journal import NewCall
from desk.region import locate
from desk.tickets import NewTicket
from tests.agi_scripts.conftest import NOW, StartServer
from tests.agi_scripts.dialplan import Channel, call, header

CALLER = "02253456789"
CALL_ID = "1795305600.1"
CSV = (
    "name,company,level,numbers\n"
    '"李明 ""老李"", ${X}",天津机电,VIP,02253456789\n'
    "王芳,,,13820221234\n"
    "张伟,,,13820221234\n"
)


@pytest.fixture
async def server(start_server: StartServer) -> AgiServer:
    return await start_server()


@pytest.fixture
async def known(services: Services) -> None:
    """One customer with the caller's number, two who share another."""
    await services.db.write(customers.import_csv, CSV, NOW)


async def run(server: AgiServer, script: str, *arguments: str, **fields: str) -> dict[str, str]:
    return (await call(server.port, header(script, *arguments, **fields))).variables


async def test_area_code_tells_where_the_caller_is_from(server: AgiServer) -> None:
    assert await run(server, "area_code") == {
        "HS_NUMBER": "+862253456789",
        "HS_NUMBER_KIND": "landline",
        "HS_PROVINCE": "天津",
        "HS_CITY": "天津",
        "HS_CITIES": "天津",
        "HS_AREA_CODE": "022",
        "HS_RESULT": "OK",
    }


async def test_area_code_takes_another_number_as_argument_or_parameter(server: AgiServer) -> None:
    assert (await run(server, "area_code", "02423456789"))["HS_CITIES"] == "沈阳/抚顺/铁岭/本溪"
    assert (await run(server, "area_code?number=02423456789"))["HS_CITY"] == "沈阳"
    assert (await run(server, "area_code", "53456789"))["HS_AREA_CODE"] == "022"


async def test_every_variable_is_set_even_when_nothing_is_known(server: AgiServer) -> None:
    """Else a second call of the script would leave the former caller's values standing."""
    empty = await run(server, "area_code", agi_callerid="unknown")
    assert empty["HS_NUMBER_KIND"] == "hidden"
    assert {name for name, value in empty.items() if value == ""} == {
        "HS_NUMBER",
        "HS_PROVINCE",
        "HS_CITY",
        "HS_CITIES",
        "HS_AREA_CODE",
    }


@pytest.mark.usefixtures("known")
async def test_customer_tells_the_one_who_has_the_number(server: AgiServer) -> None:
    found = await run(server, "customer")
    assert found["HS_RESULT"] == "OK"
    assert found["HS_CUSTOMER_COUNT"] == "1"
    assert found["HS_CUSTOMER_ID"] == found["HS_CUSTOMER_IDS"] != ""
    assert found["HS_CUSTOMER_NAME"] == "李明 ＂老李＂， ＄｛X｝", "harmless in any dialplan"
    assert (found["HS_CUSTOMER_COMPANY"], found["HS_CUSTOMER_LEVEL"]) == ("天津机电", "VIP")


@pytest.mark.usefixtures("known")
async def test_of_two_candidates_none_is_guessed(server: AgiServer) -> None:
    found = await run(server, "customer", agi_callerid="13820221234")
    assert found["HS_CUSTOMER_COUNT"] == "2"
    assert len(found["HS_CUSTOMER_IDS"].split("/")) == 2
    assert found["HS_CUSTOMER_ID"] == found["HS_CUSTOMER_NAME"] == ""


@pytest.mark.usefixtures("known")
async def test_a_withheld_number_is_nobodys(server: AgiServer) -> None:
    found = await run(server, "customer", agi_callerid="anonymous")
    assert (found["HS_CUSTOMER_COUNT"], found["HS_RESULT"]) == ("0", "NOT_FOUND")


async def _open(services: Services, subject: str, **fields: object) -> tickets.Ticket:
    caller = locate(CALLER, "022")
    new = NewTicket("repair", subject, caller=caller, **fields)  # type: ignore[arg-type]
    return await services.db.write(tickets.open_ticket, new, NOW)


async def test_ticket_state_by_the_callers_number_tells_the_newest(
    server: AgiServer, services: Services
) -> None:
    await _open(services, "空调")
    newest = await _open(services, "冰箱, 不制冷")
    found = await run(server, "ticket_state")
    assert found == {
        "HS_TICKET_COUNT": "2",
        "HS_TICKET_NUMBER": newest.number,
        "HS_TICKET_STATUS": "accepted",
        "HS_TICKET_STATUS_NAME": "受理",
        "HS_TICKET_TYPE": "repair",
        "HS_TICKET_SUBJECT": "冰箱， 不制冷",
        "HS_TICKET_OPENED": "2026-11-22 12:30",
        "HS_RESULT": "OK",
    }


@pytest.mark.usefixtures("known")
async def test_a_customers_ticket_is_found_from_any_of_their_numbers(
    server: AgiServer, services: Services
) -> None:
    (owner,) = await services.db.read(customers.find_by_number, "+862253456789")
    new = NewTicket("repair", "电视", customer_ids=(owner.id,))
    ticket = await services.db.write(tickets.open_ticket, new, NOW)
    assert (await run(server, "ticket_state"))["HS_TICKET_NUMBER"] == ticket.number


async def test_ticket_state_by_ticket_number(server: AgiServer, services: Services) -> None:
    ticket = await _open(services, "空调")
    found = await run(server, "ticket_state", ticket.number, agi_callerid="anonymous")
    assert (found["HS_TICKET_NUMBER"], found["HS_TICKET_COUNT"]) == (ticket.number, "1")
    misheard = ticket.number[:-1] + str((int(ticket.number[-1]) + 1) % 10)
    for wrong in (misheard, "1", "9" * 5_000, "'; DROP TABLE tickets", "\ufffd"):
        found = await run(server, "ticket_state", wrong)
        assert (found["HS_TICKET_NUMBER"], found["HS_RESULT"]) == ("", "NOT_FOUND")


async def test_a_withheld_number_has_no_tickets(server: AgiServer, services: Services) -> None:
    new = NewTicket("repair", "空调", caller=locate("anonymous"))
    await services.db.write(tickets.open_ticket, new, NOW)
    assert (await run(server, "ticket_state", agi_callerid="anonymous"))["HS_TICKET_COUNT"] == "0"


def records(seconds: float, reply: str = "200 result=35 (dtmf) endpos=8000") -> Channel:
    """A channel whose caller speaks for so long."""

    def record(words: list[str]) -> str:
        write_wav(Path(f"{words[2]}.{words[3]}"), seconds)
        return reply

    return Channel(answers={"RECORD": record})


def write_wav(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(int(seconds * 16_000)))


async def test_a_message_becomes_a_recording_and_a_ticket(
    server: AgiServer, services: Services
) -> None:
    channel = await call(server.port, header("leave_message", "repair"), records(4.2))
    assert channel.commands[0] == ["ANSWER"]
    assert channel.commands[1][:2] == ["RECORD", "FILE"]
    assert channel.commands[1][3:] == ["wav", "#", "120000", "BEEP", "s=3"]
    number = channel.variables["HS_TICKET_NUMBER"]
    assert channel.variables["HS_RESULT"] == "OK"
    assert channel.variables["HS_MESSAGE_SECONDS"] == "4"

    ticket = await services.db.read(tickets.by_number, number)
    assert ticket is not None
    assert (ticket.type, ticket.subject, ticket.labels) == ("repair", "天津 报修", ("地区:天津",))
    assert ticket.caller.e164 == "+862253456789"
    (recording,) = await services.db.read(recordings.of_call, CALL_ID)
    assert recording.state == "recorded", "it waits to be transcribed"
    assert Path(recording.path).parent == services.recordings
    assert recording.seconds == pytest.approx(4.2)
    journaled = await services.db.read(journal.get, CALL_ID)
    assert journaled is not None
    assert (journaled.dialled, journaled.cause) == ("4001234567", "completed")


async def test_two_messages_of_one_call_are_two_recordings_of_one_ticket(
    server: AgiServer, services: Services
) -> None:
    first = await call(server.port, header("leave_message"), records(1))
    second = await call(server.port, header("leave_message"), records(2))
    assert first.variables["HS_TICKET_NUMBER"] == second.variables["HS_TICKET_NUMBER"] != ""
    assert len(await services.db.read(recordings.of_call, CALL_ID)) == 2


async def test_a_call_of_the_application_stays_the_applications(
    server: AgiServer, services: Services
) -> None:
    caller = locate(CALLER, "022")
    new = NewCall(CALL_ID, "4001234567", CALLER, caller)
    await services.db.write(journal.begin, new, NOW)
    await services.db.write(journal.enter_stage, CALL_ID, "menu", {"menu": "main"}, NOW)
    channel = await call(server.port, header("leave_message"), records(2))
    assert channel.variables["HS_TICKET_NUMBER"] != ""
    journaled = await services.db.read(journal.get, CALL_ID)
    assert journaled is not None
    assert (journaled.stage, journaled.ended_at) == ("menu", None)


@pytest.mark.parametrize(
    "channel",
    [records(0.1), Channel(answers={"RECORD": lambda _: "200 result=-1 (hangup) endpos=0"})],
    ids=["a click", "hung up before the tone"],
)
async def test_nothing_said_makes_no_ticket(
    server: AgiServer, services: Services, channel: Channel
) -> None:
    await call(server.port, header("leave_message"), channel)
    assert channel.variables["HS_RESULT"] == "NO_MESSAGE"
    assert channel.variables["HS_TICKET_NUMBER"] == ""
    assert await services.db.read(tickets.search) == []
    assert await services.db.read(journal.unfinished) == []
    assert list(services.recordings.iterdir()) == []


async def test_hanging_up_while_speaking_keeps_what_was_said(
    server: AgiServer, services: Services
) -> None:
    channel = records(3, "HANGUP\n200 result=-1 (hangup) endpos=24000")
    await call(server.port, header("leave_message"), channel)
    assert channel.variables["HS_RESULT"] == "OK"
    assert len(await services.db.read(tickets.search)) == 1


async def test_a_pbx_without_the_sound_beep_records_all_the_same(server: AgiServer) -> None:
    def record(words: list[str]) -> str:
        if "BEEP" in words:
            return "200 result=-1 (randomerror) endpos=0"
        write_wav(Path(f"{words[2]}.wav"), 2)
        return "200 result=0 (timeout) endpos=16000"

    channel = await call(server.port, header("leave_message"), Channel(answers={"RECORD": record}))
    assert channel.variables["HS_RESULT"] == "OK"


def _gone(seconds: float) -> Callable[[list[str]], str]:
    def record(words: list[str]) -> str:
        write_wav(Path(f"{words[2]}.wav"), seconds)
        raise ConnectionError

    return record


async def test_asterisk_dying_while_recording_keeps_what_was_said(
    server: AgiServer, services: Services
) -> None:
    await call(server.port, header("leave_message"), Channel(answers={"RECORD": _gone(3)}))
    await server_is_idle(server)
    assert len(await services.db.read(tickets.search)) == 1
    assert server.counters.disconnected == 1


async def server_is_idle(server: AgiServer) -> None:
    async with asyncio.timeout(10):
        while server.counters.open:  # noqa: ASYNC110 - counters are what operators see
            await asyncio.sleep(0.001)


async def test_an_unknown_type_does_not_cost_the_message(
    server: AgiServer, services: Services
) -> None:
    channel = await call(server.port, header("leave_message", "r3pair,x"), records(2))
    ticket = await services.db.read(tickets.by_number, channel.variables["HS_TICKET_NUMBER"])
    assert ticket is not None
    assert ticket.type == "message"


@pytest.mark.parametrize("call_id", ["../../../etc/x", "a b\\c", "x" * 140, "天津", "${SHELL(x)}"])
async def test_a_strange_channel_id_leaves_the_folder_of_recordings_alone(
    server: AgiServer, services: Services, call_id: str
) -> None:
    channel = await call(server.port, header("leave_message", agi_uniqueid=call_id), records(1))
    assert channel.variables["HS_RESULT"] == "OK"
    (file,) = services.recordings.iterdir()
    assert file.name.isascii()
    (recording,) = await services.db.read(recordings.of_call, call_id)
    assert recording.path == str(file)


async def test_a_call_without_an_id_is_an_error_not_a_crash(server: AgiServer) -> None:
    channel = await call(server.port, header("leave_message", agi_uniqueid=""), records(1))
    assert channel.variables == {"HS_RESULT": "ERROR"}


async def test_a_message_of_a_process_that_died_becomes_a_ticket_at_the_next_start(
    services: Services, start_server: StartServer
) -> None:
    """The process dies between the tone and the desk, Asterisk before it finished the file."""
    first = await start_server()
    recording = asyncio.Event()
    path: list[Path] = []

    class Frozen(Channel):
        def reply(self, line: str) -> str:
            if line.startswith("RECORD"):
                recording.set()
            return super().reply(line)

    def record(words: list[str]) -> str:
        path.append(Path(f"{words[2]}.wav"))
        return "HANGUP"  # and no reply

    caller = asyncio.create_task(
        call(first.port, header("leave_message", "repair"), Frozen(answers={"RECORD": record})),
        name="caller",
    )
    await recording.wait()
    await first.aclose()
    await caller
    assert len(await services.db.read(journal.unfinished)) == 1

    later = NOW + timedelta(minutes=5)
    write_wav(path[0], 4)
    with path[0].open("r+b") as file:
        file.seek(40)
        file.write(bytes(4))  # the size that Asterisk did not come back to
    os.utime(path[0], (NOW.timestamp(), NOW.timestamp()))
    assert not await recovered(services, NOW + timedelta(seconds=1)), "it may still be growing"
    assert await recovered(services, later)
    assert await recovered(services, later)
    (ticket,) = await services.db.read(tickets.search)
    assert (ticket.type, ticket.subject) == ("repair", "天津 报修")
    assert await services.db.read(journal.unfinished) == []
    with wave.open(str(path[0])) as played:
        assert played.getnframes() == 4 * 8000


async def recovered(services: Services, at: datetime) -> bool:
    return await leave_message.recover(replace(services, now=lambda: at), at)


async def test_calls_of_this_process_and_of_others_are_not_recovered(services: Services) -> None:
    new = NewCall(CALL_ID, "4001234567", CALLER, locate(CALLER))
    state = {"path": "/nowhere.wav", "name": "x", "type": "message", "host": "another"}
    await services.db.write(journal.begin, new, NOW)
    await services.db.write(journal.enter_stage, CALL_ID, leave_message.STAGE, state, NOW)
    assert await recovered(services, NOW + timedelta(days=1))
    assert len(await services.db.read(journal.unfinished)) == 1


def test_every_script_is_named_as_it_is_called() -> None:
    assert set(SCRIPTS) == {"area_code", "customer", "ticket_state", "leave_message"}
    assert all(name == script.name for name, script in SCRIPTS.items())
