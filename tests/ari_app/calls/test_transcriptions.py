"""Recordings become words in their turn, and one recogniser's trouble is nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app.calls.hearing import Hearing
from ari_app.calls.transcriptions import BATCH, Transcriptions
from desk import journal, recordings
from desk.db.engine import Database
from desk.db.schema import recordings as table
from desk.recordings import NewRecording, Recording, Store
from desk.region import Caller, locate
from stt.errors import RecognitionError
from stt.transcript import Transcript
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

    def engine_for(self, caller: Caller | None, *, team: str, language: str) -> str:
        self.asked_for.append((team, language))
        return SILENT if caller is not None and caller.area_code == "010" else ANSWERS

    async def transcribe(self, path: Path, *, engine: str, **_: Any) -> Transcript:
        await asyncio.sleep(1)
        if path.name in self.breaks:
            raise KeyError("a fault of ours")
        if engine not in self.answers:
            raise RecognitionError(path, engine, "no answer")
        return Transcript((), 1.0, 0.1, engine)


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
