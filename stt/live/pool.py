"""The pool of live recognisers: who may be heard as they speak, and who later."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import Self

import structlog

from stt.engine import Engine
from stt.live.load import Cost, fits, idle_share
from stt.live.outcome import Listener, Why
from stt.live.rehearsal import rehearse
from stt.live.stream import LiveStream
from stt.live.worker import Crew
from stt.threads import in_thread
from stt.transcript import Utterance

log = structlog.get_logger()

LOOKS = 5
"""A thread is given up when this many looks in a row, at equal intervals, find the same turn."""

REST_SECONDS = 10.0
"""How long no stream is opened on an engine that has just failed."""

REHEARSAL_SECONDS = 30.0
STOP_SECONDS = 2.0


class LivePool:
    """Recognises many streams at once in a few threads, as they are spoken.

    Streams take turns of at most 0.2 s of speech, in the order in which they have something to be
    heard, each in one thread at a time. What a second of speech costs is measured, first at the
    start on a sound of its own, then on every stream; a stream is opened only where the threads
    have time for it. Nothing here makes the event loop wait.

        async with LivePool({"default": model}, threads=2) as pool:
            stream = pool.open("default", 8000, on_partial=show, on_utterance=keep)
            if stream is None: ...  # the machine is full: transcribe the recording afterwards
            stream.feed(pcm)
            outcome = await stream.finish(10)
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        *,
        threads: int,
        headroom: float = 0.97,
        most_streams: int | None = None,
        behind_seconds: float = 5.0,
        stall_seconds: float = 5.0,
        hot_words: Sequence[str] = (),
        polish: Callable[[str], str] = lambda text: text,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A pool that is not yet running.

        Args:
            engines: by the key that `open` is given.
            threads: turns that are taken at the same time; more than cores is of no use.
            headroom: how much of the threads' time streams may plan for, 0 … 1.
            most_streams: no more than these, whatever they cost.
            behind_seconds: a stream with more waiting speech gives up.
            stall_seconds: a thread that does not come back from the engine is given up.
            hot_words: given to every session.
            polish: makes an utterance's text ready to be read; called in the threads.
            clock: monotonic seconds.
        """
        self._engines = dict(engines)
        self._threads, self._headroom, self._most_streams = threads, headroom, most_streams
        self._behind_seconds, self._stall_seconds = behind_seconds, stall_seconds
        self._hot_words, self._polish, self._clock = tuple(hot_words), polish, clock
        self._ready: SimpleQueue[LiveStream | None] = SimpleQueue()
        self._crew = Crew(threads, self._ready, self._note, most_stuck=2 * threads)
        self._costs: dict[str, Cost] = {}
        self._resting: dict[str, float] = {}
        self._streams: dict[LiveStream, str] = {}
        self._watch: asyncio.Task[None] | None = None
        self.refused = 0
        """Streams that were not opened since the start."""

    @property
    def streams(self) -> int:
        """Streams that are being heard."""
        return len(self._streams)

    @property
    def load(self) -> float:
        """What the open streams cost together, in threads."""
        keys = list(self._streams.values())  # in one piece: any thread may ask
        return sum(self._costs[key].per_second for key in keys)

    @property
    def capacity(self) -> float:
        """What streams may cost together, in threads; less while threads are stuck."""
        return self._crew.at_work * self._headroom

    @property
    def stuck(self) -> int:
        """Threads that were given up because they hang in an engine."""
        return self._crew.stuck

    @property
    def idle_share(self) -> float:
        """The share of a thread that transcription of recordings may use now; never 0."""
        return idle_share(self.load, self._threads)

    @property
    def engines(self) -> tuple[str, ...]:
        """The keys of the engines."""
        return tuple(self._engines)

    def cost(self, key: str) -> float:
        """CPU seconds that a second of speech costs this engine, as measured."""
        return self._costs[key].per_second

    async def start(self) -> None:
        """Measure the engines and start the threads. Starting twice changes nothing.

        An engine that cannot be measured is no fault: it rests, and is tried again by a stream.
        """
        if self._watch is not None:
            return
        for key, engine in self._engines.items():
            await self._rehearse(key, engine)
        self._crew.fill()
        self._watch = asyncio.create_task(self._look(), name="stt live watch")

    async def aclose(self) -> None:
        """Stop: streams give up, threads end; one that is stuck is left behind."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch])
        for stream in list(self._streams):
            stream.give_up(Why.STOPPED)
        ending = self._crew.stop()
        ends = time.monotonic() + STOP_SECONDS
        for worker in ending:
            await asyncio.to_thread(worker.join, max(0.0, ends - time.monotonic()))
        while not self._ready.empty():  # streams whose turn ended behind the threads' own end
            stream_or_end = self._ready.get()
            if stream_or_end is not None:
                await asyncio.to_thread(stream_or_end.turn)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def open(
        self,
        key: str,
        rate: int,
        *,
        on_partial: Callable[[str], None] = lambda _: None,
        on_utterance: Callable[[Utterance], None] = lambda _: None,
        on_gave_up: Callable[[Why], None] = lambda _: None,
    ) -> LiveStream | None:
        """Begin to hear a stream of `rate` samples a second with engine `key`.

        None: the machine is full, the engine has just failed, or the pool is not running; the
        recording is to be transcribed afterwards. The functions are called in the event loop:
        `on_partial` when the words of the utterance in progress have changed ("" when they came
        to nothing), `on_utterance` when one has ended, `on_gave_up` if the stream gives up.
        """
        engine = self._engines[key]
        if not self._admits(key):
            self.refused += 1
            return None
        stream = LiveStream(
            engine,
            rate,
            Listener(on_partial, on_utterance, on_gave_up),
            self._ready,
            self._ended,
            clock=self._clock,
            behind_seconds=self._behind_seconds,
            hot_words=self._hot_words,
            polish=self._polish,
        )
        self._streams[stream] = key
        return stream

    def look(self) -> None:
        """Replace stuck threads; the pool does it `LOOKS` times in `stall_seconds`."""
        self._crew.look(LOOKS)

    def _admits(self, key: str) -> bool:
        if self._watch is None or self._resting.get(key, 0.0) > self._clock():
            return False
        if self._most_streams is not None and self.streams >= self._most_streams:
            return False
        return fits(self.load, self.cost(key), self.capacity)

    def _ended(self, stream: LiveStream) -> None:
        key = self._streams.pop(stream)
        if stream.why is Why.ENGINE:
            self._resting[key] = self._clock() + REST_SECONDS

    def _note(self, stream: LiveStream, cpu: float, seconds: float) -> None:
        key = self._streams.get(stream)
        if key is not None:
            self._costs[key].note(cpu, seconds)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._stall_seconds / LOOKS)
            self.look()

    async def _rehearse(self, key: str, engine: Engine) -> None:
        cost: float | None
        try:
            cost = await in_thread(f"stt rehearsal {key}", REHEARSAL_SECONDS, rehearse, engine)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            log.error("engine not measured", engine=engine.name, error=str(error))
            self._resting[key] = self._clock() + REST_SECONDS
            cost = None
        self._costs[key] = Cost(cost)
        log.info("speech engine", key=key, engine=engine.name, cost=cost and round(cost, 4))
