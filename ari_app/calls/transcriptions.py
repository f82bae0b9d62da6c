"""Turns recordings into words: messages, and those parties of talks that nobody heard live.

The desk's table is the queue: a restart forgets nothing. Messages go first, for a ticket waits for
them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

import structlog

from ari_app.calls.digests import digest_call
from ari_app.calls.hearing import Hearing
from ari_app.calls.talk.pauses import Pause, pauses_in, said_at
from ari_app.queue import Need
from desk import journal, recordings, utterances
from desk.db.engine import Database
from desk.errors import DatabaseError, NotFound
from desk.recordings import FileMissing, Recording, Store, StoreError
from desk.utterances import Utterance
from stt.errors import SpeechError
from stt.transcript import Transcript

log = structlog.get_logger()

BATCH = 4  # at once in memory where recordings are kept encrypted
SWEEP_SECONDS = 30.0  # looks again without being woken: another process may have recorded
MESSAGE = "message"


class Transcriptions:
    """One worker task that transcribes what the desk says is recorded and not yet transcribed."""

    def __init__(
        self,
        db: Database,
        hearing: Hearing,
        store: Store,
        now: Callable[[], datetime],
        is_own: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`is_own`: whether the call with this id is this system's. What others recorded may lie in
        a folder of theirs."""
        self._db = db
        self._hearing = hearing
        self._store = store
        self._now = now
        self._is_own = is_own
        self._wake = asyncio.Event()
        self._resting: dict[int, float] = {}  # recording → when it may be tried again

    def wake(self) -> None:
        """A recording has just been added."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                if await self._batch():
                    continue
            except DatabaseError as error:
                log.error("nothing is transcribed now", error=str(error))
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _batch(self) -> bool:
        """Transcribe a few; whether it is worth looking again at once."""
        now = asyncio.get_running_loop().time()
        self._resting = {ident: until for ident, until in self._resting.items() if until > now}
        limit = BATCH + len(self._resting)
        waiting = [
            recording
            for recording in await self._db.read(recordings.untranscribed, limit=limit)
            if recording.id not in self._resting
        ][:BATCH]
        done = await asyncio.gather(
            *(self._try(recording) for recording in waiting), return_exceptions=True
        )
        for recording, is_done in zip(waiting, done, strict=True):
            if isinstance(is_done, BaseException):
                raise is_done  # the desk is away; the others have ended, too
            if not is_done:  # those behind it may have another recogniser, which answers
                self._resting[recording.id] = now + SWEEP_SECONDS
        return bool(waiting)

    async def _try(self, recording: Recording) -> bool:
        """As `_transcribe`; a fault of ours costs this recording its words, not callers the line.

        Raises:
            DatabaseError: the desk is away.
        """
        try:
            return await self._transcribe(recording)
        except DatabaseError:
            raise
        except NotFound as error:  # deleted meanwhile, as its time was over
            log.info("recording is gone", call=recording.call_id, error=str(error))
        except Exception as error:
            log.exception("recording not transcribed", call=recording.call_id)
            await self._db.write(
                recordings.transcription_failed, recording.id, repr(error), self._now()
            )
        return True

    async def _transcribe(self, recording: Recording) -> bool:
        """Whether it need not be tried again."""
        try:
            heard = await self._heard(recording)
        except (SpeechError, StoreError) as error:
            if isinstance(error, FileMissing) and not self._is_own(recording.call_id):
                return False  # for its own system, which has the file
            log.error("recording not transcribed", call=recording.call_id, error=str(error))
            if error.retryable:
                return False
            await self._db.write(
                recordings.transcription_failed, recording.id, str(error), self._now()
            )
            return True
        if recording.kind != MESSAGE and recording.leg:
            pauses = await self._db.read(pauses_in, recording.call_id)
            await self._db.write(
                utterances.replace,
                recording.call_id,
                recording.leg,
                _utterances(recording, heard, pauses),
                self._now(),
            )
        await self._db.write(recordings.add_transcript, recording.id, heard.as_dict(), self._now())
        await digest_call(self._db, recording.call_id, self._now())
        return True

    async def _heard(self, recording: Recording) -> Transcript:
        call = await self._db.read(journal.get, recording.call_id)
        caller = call.caller if call is not None else None
        need = Need.from_dict(call.state.get("need", {}) if call is not None else {})
        async with self._store.plain_aside(recording) as path:
            return await self._hearing.transcriber.transcribe(
                path,
                deadline=max(600.0, recording.seconds * 20),
                priority=0 if recording.kind == MESSAGE else 1,
                engine=self._hearing.engine_for(caller, team=need.team, language=need.language),
            )


def _utterances(
    recording: Recording, heard: Transcript, pauses: Sequence[Pause]
) -> list[Utterance]:
    began = recording.started_at or recording.recorded_at
    return [
        Utterance(
            call_id=recording.call_id,
            leg=recording.leg,
            number=number,
            party=recording.party,
            at=said_at(began, said.start, pauses),
            start=said.start,
            end=said.end,
            text=said.text,
            words=[asdict(word) for word in said.words],
            confidence=said.confidence,
            engine=heard.engine,
            live=False,
        )
        for number, said in enumerate(heard.utterances)
    ]
