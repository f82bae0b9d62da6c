"""The desk is away, the spool is full, the disk is dead: what that costs callers, and what not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ari_app.calls.call import Stage
from ari_app.calls.journal import PATIENCE_SECONDS, Journal, backlog, writer
from desk import journal as desk_journal
from desk import tickets
from desk.errors import DatabaseBusy, DatabaseOverloaded, SchemaMismatch
from desk.recordings import NewRecording
from tests.ari_app.calls.journal_rig import (
    CHOICE,
    Does,
    FickleDesk,
    Rig,
    at_once,
    call_of,
    kinds,
    know_caller,
    now,
    ticket_of,
)

pytestmark = pytest.mark.looptime

AWAY = [Does.REFUSES] * 8


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(FickleDesk(), tmp_path / "spool" / "journal")
    await made.desk.look(know_caller)
    await made.start()
    yield made
    await made.journal.aclose()
    made.desk.close()


class TestDeskThatIsAway:
    async def test_first_caller_waits_a_moment_and_the_next_ones_not_at_all(self, rig: Rig) -> None:
        rig.desk.script = [Does.HANGS] * 10
        await rig.journal.begin(call_of("1"))
        assert PATIENCE_SECONDS <= now() < PATIENCE_SECONDS + 0.1
        assert rig.journal.spooling
        before = now()
        call = await rig.begun("2")
        ticket = await rig.journal.keep_message(call, ticket_of(call))
        await rig.journal.finish(call, ticket_of(call))
        assert now() - before < 0.3
        assert (ticket, call.ticket_id) == (None, None)
        assert rig.journal.waiting == 5

    async def test_customer_is_known_all_the_same_if_the_desk_can_be_read(self, rig: Rig) -> None:
        rig.desk.script = list(AWAY)
        await rig.journal.begin(call_of("1"))
        call = call_of("2")
        await rig.journal.begin(call)
        assert [customer.name for customer in call.customers] == ["张三"]

    @pytest.mark.parametrize("step", ["next", "advance", "empty"])
    async def test_fault_of_ours_keeps_no_record_from_a_desk_that_is_back(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        rig.desk.script = list(AWAY)
        call = await rig.begun()
        whole = getattr(rig.journal._writer._backlog, step)
        failures = [RuntimeError("a fault of ours"), KeyError("another")]

        def fails(*args: Any) -> Any:
            if failures:
                raise failures.pop()
            return whole(*args)

        monkeypatch.setattr(rig.journal._writer._backlog, step, fails)
        async with asyncio.timeout(120):
            await rig.caught_up()
        assert failures == []
        assert rig.journal.waiting == 0
        assert await rig.desk.look(kinds, call.id) == ["call.received"]

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
        before = now()
        assert not await rig.start(seconds=2)
        assert now() - before == pytest.approx(2)
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
        assert now() > 10
        assert not rig.desk.script
        assert call.ticket_id == 1
        assert not rig.journal.spooling

    async def test_end_of_a_call_does_not_wait_for_ever(self, rig: Rig) -> None:
        rig.desk.script = [Does.TAKES, Does.TAKES, *[Does.HANGS] * 1000]
        call = await rig.begun()
        rig.journal.note(call, "note", text="x" * 600)
        with pytest.raises(DatabaseBusy, match="neither desk nor spool"):
            await rig.journal.finish(call, ticket_of(call))
        assert now() == pytest.approx(backlog.MEMORY_SECONDS, abs=10)

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
        rig.spool._aside = at_once
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
