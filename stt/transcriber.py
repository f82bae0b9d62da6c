"""Recordings in, transcripts out: a bounded queue in front of a few recogniser threads."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from stt.errors import Busy, Stopped, TooLate
from stt.recogniser import SpeechModel, recognise
from stt.transcript import Transcript
from stt.wav import probe


class Transcriber:
    """Transcribes recordings in threads; the event loop never waits for speech.

    At most `threads` recordings are heard at once and `queue` more may wait, in order of arrival;
    beyond that `transcribe` raises `Busy`. The model is loaded once, by `start`, and may be
    shared with live recognisers.

        async with Transcriber(model_dir, threads=1, queue=100) as transcriber:
            transcript = await transcriber.transcribe(path, deadline=60)
    """

    def __init__(self, model_dir: Path, *, threads: int, queue: int) -> None:
        self._model_dir, self._threads, self._queue = model_dir, threads, queue
        self._model: SpeechModel | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._given_up: set[threading.Event] = set()

    @property
    def model(self) -> SpeechModel | None:
        """The loaded model while the transcriber runs."""
        return self._model

    @property
    def waiting(self) -> int:
        """Recordings heard now or waiting for their turn."""
        return len(self._given_up)

    async def start(self) -> None:
        """Load the model and start the threads. Starting twice changes nothing.

        Raises:
            ModelError: the model cannot be loaded; nothing is left running.
        """
        if self._pool is not None:
            return
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="stt")
        loop = asyncio.get_running_loop()
        try:
            self._model = await loop.run_in_executor(self._pool, SpeechModel.load, self._model_dir)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop within half a second of speech per thread; unfinished recordings get `Stopped`."""
        pool, self._pool, self._model = self._pool, None, None
        for given_up in self._given_up:
            given_up.set()
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def transcribe(self, path: Path, *, deadline: float) -> Transcript:
        """The transcript of the recording at `path`, within `deadline` seconds, waiting included.

        Raises:
            AudioError: the recording cannot be read.
            Busy: the queue is full (retryable).
            TooLate: the deadline passed (retryable).
            Stopped: the transcriber is closed, or was closed meanwhile (retryable).
        """
        if self._pool is None or self._model is None:
            raise Stopped(path)
        if self.waiting >= self._threads + self._queue:
            raise Busy(path, self.waiting)
        given_up = threading.Event()
        self._given_up.add(given_up)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(deadline):
                return await loop.run_in_executor(
                    self._pool, _transcribe, self._model, path, given_up
                )
        except TimeoutError as error:
            raise TooLate(path, deadline) from error
        finally:
            given_up.set()
            self._given_up.discard(given_up)


def _transcribe(model: SpeechModel, path: Path, given_up: threading.Event) -> Transcript:
    if given_up.is_set():
        raise Stopped(path)
    transcript = recognise(model, probe(path), lambda _: not given_up.is_set())
    if transcript is None:
        raise Stopped(path)
    return transcript
