"""Recordings become words in their turn, and one recogniser's trouble is nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app.calls.hearing import Hearing
from ari_app.calls.transcriptions import BATCH, Transcriptions
from desk import journal, recordings, utterances
from desk.db.engine import Database
from desk.db.schema import recordings as table
from desk.recordings import FileMissing, NewRecording, Recording, Store
from desk.region import Caller, locate
from stt.errors import RecognitionError
from stt.transcript import Transcript
from stt.transcript import Utterance as Said
from tests.crm_bridge.virtual import MemoryDatabase, clock
from tests.rig import samples

pytestmark = pytest.mark.looptime
SILENT, ANSWERS = "elsewhere", "default"


class Ears:
    """Two recognisers, of which one does not answer until told."""

    def __init__(self) -> None:
        self.transcriber = self
        self.answers = {ANSWERS}
        self.breaks: set[str] = set()  # on these paths, in a way that nobody has thought of
        self.asked_for: list[tuple[str, str]] = []
        self.says: tuple[Said, ...] = ()

    def engine_for(self, caller: Caller | None, *, team: str, language: str) -> str:
        self.asked_for.append((team, language))
        return SILENT if caller is not None and caller.area_code == "010" else ANSWERS

    async def transcribe(self, path: Path, *, engine: str, **_: Any) -> Transcript:
        await asyncio.sleep(1)
        if path.name in self.breaks:
            raise KeyError("a fault of ours")
        if engine not in self.answers:
            raise RecognitionError(path, engine, "no answer")
        return Transcript(self.says, 1.0, 0.1, engine)


class Shelf:
    @asynccontextmanager
    async def plain_aside(self, recording: Recording) -> AsyncIterator[Path]:
        yield Path(recording.path)


def message(db: Any, number: str, call_id: str) -> None:
    samples.begin(db, call_id, locate(number, "022"), clock())
    recordings.add(db, NewRecording(call_id, call_id, call_id, 1.0, "0" * 64, "message"), clock())


async def test_a_silent_recogniser_keeps_no_message_of_another_one_waiting() -> None:
    desk, ears = MemoryDatabase(), Ears()
    for number in range(2 * BATCH):
        await desk.write(message, f"010{52345670 + number}", f"beijing-{number}")
    await desk.write(message, "02253456789", "tianjin")
    working = Transcriptions(cast(Database, desk), cast(Hearing, ears), cast(Store, Shelf()), clock)
    task = asyncio.create_task(working.run())

    await asyncio.sleep(5)
    (tianjin,) = await desk.read(recordings.of_call, "tianjin")
    assert tianjin.state == "transcribed"

    ears.answers.add(SILENT)
    await asyncio.sleep(60)
    assert await desk.read(recordings.untranscribed) == []
    task.cancel()


async def test_a_fault_with_one_recording_ends_neither_the_line_nor_the_other_recordings() -> None:
    desk, ears = MemoryDatabase(), Ears()
    ears.breaks.add("broken")
    for call_id in ("broken", "gone", "whole"):
        await desk.write(message, "02253456789", call_id)
    working = Transcriptions(cast(Database, desk), cast(Hearing, ears), cast(Store, Shelf()), clock)
    task = asyncio.create_task(working.run())
    await asyncio.sleep(0.5)
    (gone,) = await desk.read(recordings.of_call, "gone")
    await desk.write(delete, gone.id)
    await asyncio.sleep(100)
    assert not task.done(), "the line has ended"
    states = [(await desk.read(recordings.of_call, call))[0].state for call in ("broken", "whole")]
    assert states == ["failed", "transcribed"]
    task.cancel()


async def test_a_recording_in_another_systems_folder_is_left_to_that_system() -> None:
    class OurFolder(Shelf):
        @asynccontextmanager
        async def plain_aside(self, recording: Recording) -> AsyncIterator[Path]:
            raise FileMissing(recording.name, Path(recording.path))
            yield

    desk = MemoryDatabase()
    for call_id in ("south-1795321548.0", "north-1795321548.0"):
        await desk.write(message, "02253456789", call_id)
    working = Transcriptions(
        cast(Database, desk), cast(Hearing, Ears()), cast(Store, OurFolder()), clock,
        lambda call_id: call_id.startswith("north-"),
    )  # fmt: skip
    task = asyncio.create_task(working.run())
    await asyncio.sleep(100)
    task.cancel()
    (theirs,) = await desk.read(recordings.of_call, "south-1795321548.0")
    (ours,) = await desk.read(recordings.of_call, "north-1795321548.0")
    assert (theirs.state, ours.state) == ("recorded", "failed")


def delete(db: Any, recording_id: int) -> None:
    db.execute(table.delete().where(table.c.id == recording_id))


async def test_recording_is_heard_by_the_recogniser_of_its_team_as_live_speech_is() -> None:
    desk, ears = MemoryDatabase(), Ears()
    await desk.write(message, "02253456789", "c1")
    need = {"need": {"team": "tianjin", "language": "天津话"}}
    await desk.write(journal.enter_stage, "c1", "talk", need, clock())
    working = Transcriptions(cast(Database, desk), cast(Hearing, ears), cast(Store, Shelf()), clock)
    task = asyncio.create_task(working.run())
    await asyncio.sleep(5)
    task.cancel()
    assert ears.asked_for == [("tianjin", "天津话")]


async def test_what_was_said_after_a_card_number_is_not_told_before_it() -> None:
    desk, ears = MemoryDatabase(), Ears()
    ears.says = (Said(1.0, 2.0, "我的卡号是", (), 1.0), Said(4.0, 4.5, "谢谢", (), 1.0))
    began = clock()

    def talk(db: Any) -> None:
        samples.begin(db, "c1", locate("02253456789", "022"), began)
        party = NewRecording("c1", "party-1", "party-1", 5.0, "0" * 64, "party", "caller", "c1")
        recordings.add(db, replace(party, started_at=began), began)
        for seconds, kind in ((3, "recording.paused"), (63, "recording.resumed")):
            journal.note(db, "c1", kind, {}, began + timedelta(seconds=seconds))

    await desk.write(talk)
    working = Transcriptions(cast(Database, desk), cast(Hearing, ears), cast(Store, Shelf()), clock)
    task = asyncio.create_task(working.run())
    await asyncio.sleep(5)
    task.cancel()
    words = await desk.read(utterances.transcript, "c1")
    assert [(one.text, (one.at - began).total_seconds()) for one in words] == [
        ("我的卡号是", 1.0),
        ("谢谢", 64.0),
    ]
