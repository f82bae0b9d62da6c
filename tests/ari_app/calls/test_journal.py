"""What calls record reaches the desk once and in order, whatever the desk does meanwhile; what
must not be recorded does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from ari_app.calls import backlog, writer
from ari_app.calls.call import Stage
from ari_app.calls.journal import PATIENCE_SECONDS, Journal
from ari_app.calls.units import unit
from ari_app.ivr.walk import Choice
from desk import journal as desk_journal
from desk import tickets
from desk.errors import DatabaseBusy, DatabaseOverloaded, SchemaMismatch
from desk.recordings import NewRecording
from tests.ari_app.calls.journal_rig import (
    CALLER,
    Does,
    FickleDesk,
    Rig,
    call_of,
    contents,
    kinds,
    know_caller,
    ticket_of,
)

pytestmark = pytest.mark.looptime

CHOICE = Choice("main", "1", "投诉", "complaint", "message")
AWAY = [Does.REFUSES] * 8


@unit("test.fault", telling=False)
def fault(db: Connection, now: datetime, why: str) -> None:
    """A unit that the desk can never take."""
    raise ZeroDivisionError(why)


@unit("test.words", telling=True)
def words(db: Connection, now: datetime, call_id: str, text: str) -> None:
    """What somebody said."""
    desk_journal.note(db, call_id, "utterance.added", {"text": text}, now)


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(FickleDesk(), tmp_path / "spool" / "journal")
    await made.desk.look(know_caller)
    await made.start()
    yield made
    await made.journal.aclose()
    made.desk.close()


def _time() -> float:
    return asyncio.get_running_loop().time()


class TestDeskThatAnswers:
    async def test_customer_is_known_and_the_call_journaled_before_it_is_answered(
        self, rig: Rig
    ) -> None:
        call = call_of("1")
        await rig.journal.begin(call)
        assert [customer.name for customer in call.customers] == ["张三"]
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert journaled.caller_id == CALLER
        assert journaled.customer_ids == (call.customers[0].id,)
        assert _time() == 0

    async def test_records_are_in_the_order_in_which_they_were_made(self, rig: Rig) -> None:
        call = await rig.begun()
        for number in range(5):
            rig.journal.note(call, f"note.{number}")
        ticket = await rig.journal.keep_message(call, ticket_of(call))
        assert ticket is not None
        assert call.ticket_id == ticket.id
        rig.journal.note(call, "note.5")
        await rig.journal.finish(call, None)
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            *(f"note.{number}" for number in range(5)),
            "ticket.opened",
            "note.5",
            "call.ended",
        ]
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert (journaled.stage, journaled.cause) == ("menu", "completed")
        assert journaled.ticket_id == call.ticket_id

    async def test_records_that_nobody_waits_for_share_a_transaction(self, rig: Rig) -> None:
        calls = [await rig.begun(str(number)) for number in range(10)]
        rig.desk.batches.clear()
        for call in calls:
            rig.journal.chose(call, CHOICE)
        await asyncio.gather(*(rig.journal.finish(call, None) for call in calls))
        assert rig.desk.batches == [20]
        assert _time() == pytest.approx(writer.COMPANY_SECONDS)

    async def test_choice_says_where_it_left_the_walk_and_later_steps_do_not_change_it(
        self, rig: Rig
    ) -> None:
        call = await rig.begun()
        call.state["walk"] = {"menu": "main", "choices": [["main", "1"]]}
        rig.journal.chose(call, CHOICE)
        call.state["walk"]["choices"].append(["main", "2"])
        await rig.journal.flush()
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert journaled.state == {"walk": {"menu": "main", "choices": [["main", "1"]]}}

    async def test_call_that_was_never_begun_is_begun_by_its_end(self, rig: Rig) -> None:
        call = call_of("1")
        await rig.journal.finish(call, ticket_of(call, "abandoned"))
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            "ticket.opened",
            "call.ended",
        ]

    async def test_record_at_fault_does_not_take_others_with_it(self, rig: Rig) -> None:
        call = await rig.begun()
        rig.journal.note(call, "note.1")
        rig.journal.record(call, fault("a mistake"))
        rig.journal.note(call, "note.2")
        with pytest.raises(ZeroDivisionError, match="another"):
            await rig.journal.recorded(call, fault("another"))
        await rig.journal.flush()
        assert await rig.desk.look(kinds, call.id) == ["call.received", "note.1", "note.2"]
        assert not rig.journal.spooling

    async def test_hostile_text_is_no_fault(self, rig: Rig) -> None:
        call = await rig.begun()
        rig.journal.note(call, "note.1", text="a\ud800b\0c")
        await rig.journal.finish(call, None)
        assert len(await rig.desk.look(kinds, call.id)) == 3

    async def test_cancelled_waiter_loses_no_record(self, rig: Rig) -> None:
        call = await rig.begun()
        rig.desk.script = [Does.TAKES_AND_HANGS]
        other = call_of("2")
        waiting = asyncio.create_task(rig.journal.begin(other))
        await asyncio.sleep(0.5)
        rig.journal.note(call, "note.1")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await rig.caught_up()
        told = (await rig.desk.look(kinds))[1:]
        assert told == ["call.received", "call.received", "note.1"]


class TestDeskThatIsAway:
    async def test_first_caller_waits_a_moment_and_the_next_ones_not_at_all(self, rig: Rig) -> None:
        rig.desk.script = [Does.HANGS] * 10
        await rig.journal.begin(call_of("1"))
        assert PATIENCE_SECONDS <= _time() < PATIENCE_SECONDS + 0.1
        assert rig.journal.spooling
        before = _time()
        call = await rig.begun("2")
        ticket = await rig.journal.keep_message(call, ticket_of(call))
        await rig.journal.finish(call, ticket_of(call))
        assert _time() - before < 0.3
        assert (ticket, call.ticket_id) == (None, None)
        assert rig.journal.waiting == 5

    async def test_customer_is_known_all_the_same_if_the_desk_can_be_read(self, rig: Rig) -> None:
        rig.desk.script = list(AWAY)
        await rig.journal.begin(call_of("1"))
        call = call_of("2")
        await rig.journal.begin(call)
        assert [customer.name for customer in call.customers] == ["张三"]

    @pytest.mark.parametrize("does", [d for d in Does if "DIES" not in d.name])
    async def test_everything_is_there_once_and_in_order_when_the_desk_is_back(
        self, rig: Rig, does: Does
    ) -> None:
        rig.desk.script = [Does.TAKES, does, does, Does.TAKES, does]
        call = await rig.begun()
        rig.journal.chose(call, CHOICE)
        await rig.journal.keep_message(call, ticket_of(call))
        rig.journal.note(call, "note.1")
        await asyncio.sleep(1)
        await rig.journal.finish(call, None if call.ticket_id else ticket_of(call))
        await rig.caught_up()
        assert not rig.journal.spooling
        assert rig.journal.waiting == 0
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            "menu.chosen",
            "ticket.opened",
            "note.1",
            "call.ended",
        ]
        assert await rig.desk.look(desk_journal.unfinished) == []
        assert len(await rig.desk.look(tickets.search)) == 1

    async def test_next_process_writes_what_this_one_could_not(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *[Does.REFUSES] * 50]
        call = await rig.begun()
        call.message = NewRecording(call.id, "message-1", "/m.wav", 3.0, "0" * 64)
        rig.journal.note(call, "note.1")
        await rig.journal.keep_message(call, ticket_of(call))
        await rig.journal.finish(call, ticket_of(call))
        await rig.die()
        assert await rig.desk.look(kinds, call.id) == ["call.received"]
        rig.desk.script = []
        assert await rig.start()
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            "note.1",
            "ticket.opened",
            "recording.added",
            "call.ended",
        ]
        assert rig.spool.is_empty

    async def test_start_does_not_wait_for_ever_and_goes_on_by_itself(self, rig: Rig) -> None:
        rig.desk.script = [Does.REFUSES] * 3
        call = call_of("1")
        await rig.journal.begin(call)
        await rig.die()
        rig.desk.script = [Does.REFUSES] * 6
        before = _time()
        assert not await rig.start(seconds=2)
        assert _time() - before == pytest.approx(2)
        assert rig.journal.spooling
        await rig.caught_up()
        assert await rig.desk.look(kinds, call.id) == ["call.received"]

    async def test_unknown_and_broken_records_are_told_and_passed_over(
        self, rig: Rig, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rig.spool.append(b'["of.tomorrow","2026-11-18T02:00:00Z","c",{}]')
        rig.spool.append(b"{}")
        await rig.spool.sync()
        await rig.die()
        assert await rig.start()
        said = capsys.readouterr().out
        assert "no unit 'of.tomorrow'" in said
        assert said.count("a spooled record cannot be used") == 2
        assert rig.spool.is_empty

    async def test_line_that_stops_while_the_desk_is_away_leaves_it_to_the_spool(
        self, rig: Rig
    ) -> None:
        call = await rig.begun()
        rig.desk.script = [Does.HANGS] * 10
        rig.journal.note(call, "note.1")
        await rig.journal.aclose()
        rig.desk.script = []
        assert await rig.start()
        assert await rig.desk.look(kinds, call.id) == ["call.received", "note.1"]

    async def test_desk_that_must_be_mended_first_loses_nothing_either(self, rig: Rig) -> None:
        call = await rig.begun()
        rig.desk.failure = SchemaMismatch("newer")
        write, rig.desk.write = rig.desk.write, _fails  # type: ignore[method-assign]
        await rig.journal.finish(call, ticket_of(call))
        rig.desk.write = write  # type: ignore[method-assign]
        rig.desk.failure = None
        await rig.caught_up()
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            "ticket.opened",
            "call.ended",
        ]


async def _fails(*_: object, **__: object) -> Any:
    raise SchemaMismatch("newer")


class TestFullSpool:
    @pytest_asyncio.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[Rig]:
        made = Rig(FickleDesk(), tmp_path / "spool" / "journal", size=4096 + 600)
        await made.start()
        yield made
        await made.journal.aclose()
        made.desk.close()

    async def test_records_wait_in_memory_behind_those_in_the_spool(
        self, rig: Rig, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *AWAY]
        call = await rig.begun()
        for number in range(20):
            rig.journal.note(call, f"note.{number}")
        await rig.journal.flush()
        assert "records wait in memory" in capsys.readouterr().out
        await rig.caught_up()
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            *(f"note.{number}" for number in range(20)),
        ]

    async def test_end_of_a_call_waits_until_it_is_safe(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *[Does.REFUSES] * 12]
        call = await rig.begun()
        rig.journal.note(call, "note", text="x" * 600)
        await rig.journal.finish(call, ticket_of(call))
        assert _time() > 10
        assert not rig.desk.script
        assert call.ticket_id == 1
        assert not rig.journal.spooling

    async def test_end_of_a_call_does_not_wait_for_ever(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *[Does.HANGS] * 1000]
        call = await rig.begun()
        rig.journal.note(call, "note", text="x" * 600)
        with pytest.raises(DatabaseBusy, match="neither desk nor spool"):
            await rig.journal.finish(call, ticket_of(call))
        assert _time() == pytest.approx(backlog.MEMORY_SECONDS, abs=10)

    async def test_memory_is_bounded(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backlog, "MOST_IN_MEMORY", 2)
        rig.desk.script = [Does.TAKES, Does.TAKES, *AWAY]
        call = await rig.begun()
        for number in range(3):
            rig.journal.note(call, "note", text="x" * 600, number=number)
        with pytest.raises(DatabaseOverloaded):
            await rig.journal.finish(call, None)
        await rig.journal.enter(call)  # an alarm, and no fault of the caller's
        await rig.caught_up()
        assert len(await rig.desk.look(kinds, call.id)) == 3

    async def test_spool_that_breaks_costs_nothing_while_the_process_lives(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *AWAY]
        call = await rig.begun()
        rig.journal.note(call, "note.1")
        await rig.journal.flush()

        async def broken(*_: object) -> Any:
            raise OSError(5, "Input/output error")

        rig.spool._aside = broken
        for number in (2, 3):
            rig.journal.note(call, f"note.{number}")
            await rig.journal.flush()
        rig.spool._aside = _at_once
        await rig.caught_up()
        told = await rig.desk.look(kinds, call.id)
        assert told == ["call.received", "note.1", "note.2", "note.3"]

    async def test_spool_that_cannot_be_read_keeps_its_records_for_the_next_process(
        self, rig: Rig
    ) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, Does.REFUSES]
        call = await rig.begun()

        async def only_writes(work: Any, *args: Any) -> Any:
            if work.__name__ == "_read":
                raise OSError(5, "Input/output error")
            return work(*args)

        rig.spool._aside = only_writes
        rig.journal.note(call, "note.1")
        await rig.caught_up()
        call.stage = Stage.TALK
        await rig.journal.enter(call)
        assert await rig.desk.look(kinds, call.id) == ["call.received"]
        await rig.die()
        assert await rig.start()
        assert await rig.desk.look(kinds, call.id) == ["call.received", "note.1"]
        assert (await rig.desk.look(desk_journal.get, call.id)).stage == "talk"

    async def test_queue_before_the_desk_is_bounded(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "MOST_WAITING", 5)
        call = await rig.begun()
        for number in range(8):
            rig.journal.note(call, f"note.{number}")
        with pytest.raises(DatabaseOverloaded):
            await rig.journal.finish(call, None)
        await rig.journal.flush()
        assert len(await rig.desk.look(kinds, call.id)) == 6


async def _at_once(work: Any, *args: Any) -> Any:
    return work(*args)


class TestPrivateCall:
    async def test_keys_and_words_are_not_recorded_and_the_stage_says_why(self, rig: Rig) -> None:
        call = await rig.begun(stage=Stage.TALK)
        call.state["talk"] = {"bridge": "b-1"}
        call.private = True
        await rig.journal.enter(call)
        rig.journal.note(call, "recording.paused", actor="agent:8001")
        rig.journal.note(call, "key.pressed", key="4")
        rig.journal.chose(call, CHOICE)
        rig.journal.record(call, words(call.id, "六二二五八八"))
        assert await rig.journal.recorded(call, words(call.id, "六二二五八八")) is None
        rig.journal.note(call, "agent.left", agent="8001")
        await rig.journal.flush()
        told = ["call.received", "recording.paused", "agent.left"]
        assert await rig.desk.look(kinds, call.id) == told
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert journaled.state == {"talk": {"bridge": "b-1"}, "paused": True}

    async def test_pause_survives_a_crash_while_the_desk_is_away(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *[Does.REFUSES] * 50]
        call = await rig.begun(stage=Stage.TALK)
        call.private = True
        await rig.journal.enter(call)
        rig.journal.record(call, words(call.id, "六二二五八八"))
        await rig.journal.flush()
        assert "六二".encode() not in rig.path.read_bytes()
        await rig.die()
        rig.desk.script = []
        await rig.start()
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert journaled.state["paused"] is True

    async def test_what_is_said_afterwards_is_recorded_again(self, rig: Rig) -> None:
        call = await rig.begun(stage=Stage.TALK)
        call.private = True
        await rig.journal.enter(call)
        call.private = False
        await rig.journal.enter(call)
        rig.journal.record(call, words(call.id, "谢谢"))
        await rig.journal.flush()
        assert await rig.desk.look(kinds, call.id) == ["call.received", "utterance.added"]
        journaled = await rig.desk.look(desk_journal.get, call.id)
        assert journaled.state == {}


class TestUnits:
    async def test_name_is_given_once(self) -> None:
        with pytest.raises(ValueError, match=r"there is a unit 'test\.fault' already"):
            unit("test.fault")(fault.work)

    async def test_argument_without_a_json_form_is_refused_where_it_is_given(self) -> None:
        with pytest.raises(TypeError):
            fault(object())  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            fault()  # type: ignore[call-arg]

    async def test_two_records_never_have_the_same_moment(self, rig: Rig) -> None:
        call = await rig.begun()
        for _ in range(20):
            rig.journal.note(call, "same", body="same")
        await rig.journal.flush()
        told = (await rig.desk.look(contents))["timeline"][1:]
        assert len({entry[1] for entry in told}) == len(told) == 21


async def test_journal_without_a_spool_waits_in_memory(tmp_path: Path) -> None:
    rig = Rig(FickleDesk([Does.TAKES, Does.TAKES, *AWAY]), tmp_path / "unused")
    database: Any = rig.desk
    async with Journal(database, rig.clock) as rig.journal:
        call = await rig.begun()
        rig.journal.note(call, "note.1")
        await rig.journal.finish(call, ticket_of(call))
        assert call.ticket_id == 1
        assert await rig.desk.look(kinds, call.id) == [
            "call.received",
            "note.1",
            "ticket.opened",
            "call.ended",
        ]
    rig.desk.close()
