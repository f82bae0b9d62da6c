"""Recordings in, transcripts out: a bounded queue in front of a few recogniser threads."""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from stt.engine import Engine
from stt.errors import Busy, RecognitionError, SpeechError, Stopped, TooLate
from stt.recogniser import SpeechModel, recognise
from stt.settings import DEFAULT
from stt.threads import Hands
from stt.transcript import Transcript
from stt.wav import probe

log = structlog.get_logger()

STUCK_SECONDS = 5.0
"""A thread that was told to stop and has not after so long is stuck in its engine."""

CLOSE_SECONDS = 5.0
LONGEST_REST = 5.0


class Transcriber:
    """Transcribes recordings in threads; the event loop never waits for speech.

    At most `threads` recordings are heard at once and `queue` more may wait, those of lower
    `priority` first, else in order of arrival; beyond that `transcribe` raises `Busy`.

        async with Transcriber(engines, threads=1, queue=100, share=lambda: pool.idle_share):
            transcript = await transcriber.transcribe(path, deadline=60)

    A thread that is stuck in its engine is left behind after its deadline, and another takes its
    place, as long as not more than `threads` are stuck.
    """

    def __init__(
        self,
        engines: Path | Mapping[str, Engine],
        *,
        threads: int,
        queue: int,
        share: Callable[[], float] = lambda: 1.0,
        hot_words: Sequence[str] = (),
        polish: Callable[[str], str] = lambda text: text,
    ) -> None:
        """A transcriber that is not yet running.

        Args:
            engines: loaded engines by key, or the folder of a model that `start` loads.
            threads: recordings that are heard at the same time.
            queue: recordings that may wait besides.
            share: how much of each thread's time may be used just now, over 0 up to 1: live
                streams go first. Called in the threads, after every half second of speech.
            hot_words: given to every session.
            polish: makes an utterance's text ready to be read; called in the threads.
        """
        self._model_dir = engines if isinstance(engines, Path) else None
        self._engines: dict[str, Engine] = {} if isinstance(engines, Path) else dict(engines)
        self._threads, self._queue, self._share = threads, queue, share
        self._hot_words, self._polish = tuple(hot_words), polish
        self._running = False
        self._free = threads
        self._stuck = 0
        self._numbers = itertools.count()
        self._line: list[tuple[float, int, asyncio.Future[None]]] = []
        self._given_up: set[threading.Event] = set()
        self._at_work: set[asyncio.Future[Transcript]] = set()
        self._hands = Hands("stt")

    @property
    def model(self) -> Engine | None:
        """The default engine while the transcriber runs."""
        return self._engines.get(DEFAULT) if self._running else None

    @property
    def waiting(self) -> int:
        """Recordings heard now or waiting for their turn."""
        return len(self._given_up)

    async def start(self) -> None:
        """Load the model, if one is to be loaded. Starting twice changes nothing.

        Raises:
            ModelError: the model cannot be loaded; nothing is left running.
        """
        if self._running:
            return
        if self._model_dir is not None:
            self._engines[DEFAULT] = await asyncio.to_thread(SpeechModel.load, self._model_dir)
        self._running = True

    async def aclose(self) -> None:
        """Stop within half a second of speech per thread; unfinished recordings get `Stopped`.

        A thread that is stuck is left behind.
        """
        self._running = False
        for given_up in self._given_up:
            given_up.set()
        for _, _, turn in self._line:
            if not turn.done():
                turn.set_result(None)
        self._line.clear()
        hands, self._hands = self._hands, Hands("stt")
        await hands.aclose(CLOSE_SECONDS)
        if self._model_dir is not None:
            self._engines.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def transcribe(
        self, path: Path, *, deadline: float, priority: float = 0, engine: str = DEFAULT
    ) -> Transcript:
        """The transcript of the recording at `path`, within `deadline` seconds, waiting included.

        Args:
            path: a recording that `stt.wav` reads.
            deadline: seconds from now.
            priority: what is needed soonest has the lowest.
            engine: the key of the engine that is to hear it.

        Raises:
            AudioError: the recording cannot be read.
            RecognitionError: the engine failed (retryable).
            Busy: the queue is full (retryable).
            TooLate: the deadline passed (retryable).
            Stopped: the transcriber is closed, or was closed meanwhile (retryable).
        """
        if not self._running:
            raise Stopped(path)
        if self.waiting >= self._threads + self._queue:
            raise Busy(path, self.waiting)
        given_up = threading.Event()
        self._given_up.add(given_up)
        try:
            async with asyncio.timeout(deadline):
                await self._turn(priority)
                if not self._running:
                    raise Stopped(path)
                return await self._heard(path, self._engines[engine], given_up)
        except TimeoutError as error:
            raise TooLate(path, deadline) from error
        finally:
            given_up.set()
            self._given_up.discard(given_up)

    async def _turn(self, priority: float) -> None:
        """Wait until a thread is free for this recording."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (priority, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()
            raise

    def _next(self) -> None:
        """A thread is free: for the recording that is needed soonest."""
        while self._line:
            *_, turn = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    async def _heard(self, path: Path, engine: Engine, given_up: threading.Event) -> Transcript:
        loop = asyncio.get_running_loop()
        done = self._hands.begin(self._transcribe, path, engine, given_up)
        self._at_work.add(done)
        try:
            return await asyncio.shield(done)
        finally:
            given_up.set()
            patience = loop.call_later(STUCK_SECONDS, self._leave, done, path)
            done.add_done_callback(partial(self._back, patience))

    def _leave(self, done: "asyncio.Future[Transcript]", path: Path) -> None:
        if self._stuck >= self._threads:
            return  # its thread is free when it comes back
        log.error("transcription is stuck", path=str(path), stuck=self._stuck + 1)
        self._stuck += 1
        self._at_work.discard(done)
        self._next()

    def _back(self, patience: asyncio.TimerHandle, done: "asyncio.Future[Transcript]") -> None:
        patience.cancel()
        if not done.cancelled():
            done.exception()  # asked for: who waited may be gone
        if done in self._at_work:
            self._at_work.discard(done)
            self._next()
        else:
            self._stuck -= 1

    def _transcribe(self, path: Path, engine: Engine, given_up: threading.Event) -> Transcript:
        if given_up.is_set():
            raise Stopped(path)
        mark = time.thread_time()

        def go_on(_: float) -> bool:
            nonlocal mark
            rest = (time.thread_time() - mark) * (1 / self._share() - 1)
            if rest > 0:
                given_up.wait(min(rest, LONGEST_REST))
            mark = time.thread_time()
            return not given_up.is_set()

        recording = probe(path)
        try:
            transcript = recognise(
                engine, recording, go_on, hot_words=self._hot_words, polish=self._polish
            )
        except SpeechError:
            raise
        except Exception as error:  # an engine may raise anything
            raise RecognitionError(path, engine.name, str(error)) from error
        if transcript is None:
            raise Stopped(path)
        return transcript
