"""Recordings become words in their turn, and one recogniser's trouble is nobody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ari_app.calls.hearing import Hearing
from ari_app.calls.transcriptions import BATCH, Transcriptions
from desk import recordings
from desk.db.engine import Database
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

    def engine_for(self, caller: Caller | None) -> str:
        return SILENT if caller is not None and caller.area_code == "010" else ANSWERS

    async def transcribe(self, path: Path, *, engine: str, **_: Any) -> Transcript:
        await asyncio.sleep(1)
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
