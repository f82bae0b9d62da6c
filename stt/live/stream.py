"""One party's speech on its way from the event loop to a recogniser thread, and its words back."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from queue import SimpleQueue
from typing import TypeAlias

import structlog

from stt.engine import Engine
from stt.live.hearing import Hearing
from stt.live.outcome import Listener, Outcome, Why
from stt.transcript import Utterance

log = structlog.get_logger()

TURN_SECONDS = 0.2
"""The most speech that a stream has heard before the next stream's turn."""

CATCH_UP_SECONDS = 1.0
"""The same for a stream with more than this waiting: where cores are short, every change of
threads costs much, and long pieces need few."""

GUARD_SECONDS = 0.04
"""Speech this close to the end of a pause still belongs to it: clocks and packets are not exact."""


class _Mark(Enum):
    PAUSE = 1
    END = 2
    CLOSE = 3


@dataclass(frozen=True, slots=True)
class _From:
    """What follows was said `second` seconds after the beginning of the stream."""

    second: float


_Item: TypeAlias = bytes | _Mark | _From
Ready: TypeAlias = "SimpleQueue[LiveStream | None]"
"""Streams that have something to be heard, in order of their turns; None ends a thread."""


class LiveStream:
    """A stream that a `LivePool` has opened. All methods but `turn` belong to the event loop."""

    def __init__(
        self,
        engine: Engine,
        rate: int,
        listener: Listener,
        ready: Ready,
        ended: Callable[["LiveStream"], None],
        *,
        clock: Callable[[], float],
        behind_seconds: float,
        hot_words: Sequence[str] = (),
        polish: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.engine, self.rate = engine, rate
        self._listener, self._ended, self._clock = listener, ended, clock
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        # The event loop's
        self._why = Why.NOTHING
        self._open = True  # until it has ended or given up
        self._ending = False
        self._fed = 0  # bytes
        self._began = float("inf")  # what the clock said when the first sample was spoken
        self._paused = False
        self._silent_until: float | None = None  # by the clock: the end of the last pause
        self._utterances: list[Utterance] = []
        # Shared with the threads, under the lock
        self._lock = threading.Lock()
        self._ready = ready
        self._items: deque[_Item] = deque()
        self._waiting = 0  # bytes
        self._scheduled = False
        self._most = int(behind_seconds * rate) * 2
        # The thread's whose turn it is
        self._turn_bytes = int(TURN_SECONDS * rate) * 2
        self._catch_up_bytes = int(CATCH_UP_SECONDS * rate) * 2
        self._broken = False
        self._hearing = Hearing(
            engine,
            rate,
            hot_words,
            polish,
            saying=lambda text: self._tell(self._saying, text),
            said=lambda utterance: self._tell(self._said, utterance),
        )

    @property
    def why(self) -> Why:
        """Why the stream gave up; empty while it has not."""
        return self._why

    @property
    def behind(self) -> bool:
        """Whether the stream gave up because too much speech was waiting."""
        return self._why is Why.BEHIND

    @property
    def seconds(self) -> float:
        """Audio fed so far, pauses included."""
        return self._fed / 2 / self.rate

    @property
    def began(self) -> float:
        """What the clock said when the first sample was spoken, as the packets say it."""
        return self._began

    @property
    def waiting(self) -> float:
        """Seconds of speech that no thread has taken yet."""
        return self._waiting / 2 / self.rate

    def feed(self, pcm: bytes) -> None:
        """Hear PCM16 samples, little-endian, as they come. Never waits and never raises."""
        self._fed += len(pcm)
        second = self._fed / 2 / self.rate
        now = self._clock()
        if now - second < self._began:  # the packet that travelled fastest says it best
            self._began = now - second
        if self._paused or not self._open or self._ending:
            return
        if self._silent_until is not None and not self._resumed(pcm, second):
            return
        with self._lock:
            waiting = self._waiting + len(pcm)
            if waiting <= self._most:
                self._items.append(pcm)
                self._waiting = waiting
                if not self._scheduled:
                    self._scheduled = True
                    self._ready.put(self)
                return
        self.give_up(Why.BEHIND)

    def pause(self) -> None:
        """Hear nothing from now on; the utterance in progress ends here. Twice changes nothing."""
        if not self._paused:
            self._paused = True
            self._push(_Mark.PAUSE)

    def resume(self) -> None:
        """Hear again what is *said* from now on: samples that were on their way are left out."""
        if self._paused:
            self._paused = False
            self._silent_until = self._clock() + GUARD_SECONDS

    async def finish(self, deadline: float) -> Outcome:
        """End the stream and wait `deadline` seconds at most for its last words.

        May be called again, and after the stream gave up; then the answer is the same.
        """
        if not self._ending:
            self._ending = True
            self._push(_Mark.END)
        try:
            async with asyncio.timeout(deadline):
                await asyncio.shield(self._done)
        except TimeoutError:
            self.give_up(Why.LATE)
        return Outcome(not self._why, self._why, self.seconds, tuple(self._utterances))

    def give_up(self, why: Why = Why.STOPPED) -> None:
        """Stop hearing: what waits is dropped, feeding goes on without effect."""
        if not self._open:
            return
        self._why = why
        with self._lock:
            self._items.clear()
            self._waiting = 0
        self._close()
        self._push(_Mark.CLOSE, even_closed=True)
        self._listener.on_gave_up(why)

    def _resumed(self, pcm: bytes, second: float) -> bool:
        spoken = self._began + second - len(pcm) / 2 / self.rate  # the first sample, by the clock
        if self._silent_until is None or spoken < self._silent_until:
            return False
        self._silent_until = None
        self._push(_From(second - len(pcm) / 2 / self.rate))
        return True

    def _push(self, item: _Item, *, even_closed: bool = False) -> None:
        if not self._open and not even_closed:
            return
        with self._lock:
            self._items.append(item)
            if not self._scheduled:
                self._scheduled = True
                self._ready.put(self)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._done.set_result(None)
            self._ended(self)

    def _said(self, utterance: Utterance) -> None:
        if self._open:
            self._utterances.append(utterance)
            self._listener.on_utterance(utterance)

    def _saying(self, text: str) -> None:
        if self._open:
            self._listener.on_partial(text)

    def turn(self) -> float:
        """In a recogniser thread: hear what waits, as far as one turn goes; the seconds heard."""
        item = self._take()
        try:
            return self._work(item)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            log.error("live recognition failed", engine=self.engine.name, error=str(error))
            self._broken = True
            self._hearing.close()
            self._tell(self.give_up, Why.ENGINE)
            return 0.0
        finally:
            with self._lock:
                self._scheduled = bool(self._items)
                if self._scheduled:
                    self._ready.put(self)  # the others' turn first

    def _work(self, item: _Item) -> float:
        if item is _Mark.CLOSE:
            self._hearing.close()
        elif self._broken:
            pass
        elif isinstance(item, bytes):
            self._hearing.hear(item)
            return len(item) / 2 / self.rate
        elif isinstance(item, _From):
            self._hearing.begin(item.second)
        else:
            self._hearing.end()
            if item is _Mark.END:
                self._tell(self._close)
        return 0.0

    def _take(self) -> _Item:
        """The next mark, or speech: all that waits up to a turn's worth, since one long piece is
        heard faster than many short ones."""
        with self._lock:
            first = self._items.popleft()
            if not isinstance(first, bytes):
                return first
            chunks, size = [first], len(first)
            most = (
                self._catch_up_bytes if self._waiting > self._catch_up_bytes else self._turn_bytes
            )
            while self._items:
                following = self._items[0]
                if not isinstance(following, bytes) or size + len(following) > most:
                    break
                chunks.append(following)
                size += len(following)
                self._items.popleft()
            self._waiting -= size
        return first if len(chunks) == 1 else b"".join(chunks)

    def _tell(self, call: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has ended: nobody listens
            self._loop.call_soon_threadsafe(call, *args)
