"""Turns recorded messages into words. The desk's table is the queue: a restart forgets nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from desk import recordings
from desk.db.engine import Database
from desk.recordings import Recording
from stt.errors import SpeechError
from stt.transcriber import Transcriber

log = structlog.get_logger()

BATCH = 16
SWEEP_SECONDS = 30.0  # looks again without being woken: another process may have recorded


class Transcriptions:
    """One worker task that transcribes what the desk says is recorded and not yet transcribed."""

    def __init__(self, db: Database, transcriber: Transcriber, now: Callable[[], datetime]) -> None:
        self._db = db
        self._transcriber = transcriber
        self._now = now
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A recording has just been added."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            waiting = await self._db.read(recordings.untranscribed, limit=BATCH)
            if waiting:
                await asyncio.gather(*(self._transcribe(recording) for recording in waiting))
                continue
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _transcribe(self, recording: Recording) -> None:
        deadline = max(60.0, recording.seconds * 10)
        try:
            heard = await self._transcriber.transcribe(Path(recording.path), deadline=deadline)
        except SpeechError as error:
            log.error("recording not transcribed", call=recording.call_id, error=str(error))
            await self._db.write(
                recordings.transcription_failed, recording.id, str(error), self._now()
            )
            return
        await self._db.write(recordings.add_transcript, recording.id, heard.as_dict(), self._now())
