"""What calls record reaches the desk once and in order, whatever the desk does meanwhile; what
must not be recorded does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from ari_app.calls.call import Stage
from ari_app.calls.journal import writer
from ari_app.calls.journal.units import unit
from desk import journal as desk_journal
from tests.ari_app.calls.journal_rig import (
    CALLER,
    CHOICE,
    Does,
    FickleDesk,
    Rig,
    call_of,
    contents,
    kinds,
    know_caller,
    now,
    ticket_of,
)

pytestmark = pytest.mark.looptime


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
        assert now() == 0

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
        assert now() == pytest.approx(writer.COMPANY_SECONDS)

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
