"""Engines whose every word, delay and fault a test decides."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from stt.engine import Heard
from stt.transcript import Word

RATE = 8000
CHUNK = bytes(320)
SECONDS = 30.0


def chunk(letter: str) -> bytes:
    """20 ms that a `Script` hears as `letter`; a blank is silence and ends an utterance."""
    return letter.encode("ascii") * 320


class Script:
    """Hears each chunk's letter as a word that lasts 20 ms."""

    def __init__(self) -> None:
        self.opened: list[ScriptSession] = []
        self.entered = threading.Semaphore(0)
        self.may = threading.Event()
        self.may.set()
        self.order: list[str] = []
        self.fails: Callable[[str], None] = lambda _: None

    @property
    def name(self) -> str:
        return "script"

    def open(self, rate: int, hot_words: Sequence[str] = ()) -> "ScriptSession":
        self.fails("open")
        session = ScriptSession(self, rate, tuple(hot_words))
        self.opened.append(session)
        return session

    def wait_entered(self) -> None:
        assert self.entered.acquire(timeout=SECONDS)


class ScriptSession:
    def __init__(self, script: Script, rate: int, hot_words: tuple[str, ...]) -> None:
        self._script, self._rate = script, rate
        self.hot_words = hot_words
        self._heard = 0.0
        self._words: list[Word] = []
        self.calls: list[int] = []
        self._alone = threading.Lock()
        self.closed = False

    def forget(self) -> None:
        self._words.clear()

    def accept(self, pcm: bytes) -> list[Heard]:
        assert self._alone.acquire(blocking=False)
        try:
            return self._accept(pcm)
        finally:
            self._alone.release()

    def _accept(self, pcm: bytes) -> list[Heard]:
        self._script.entered.release()
        self._script.order.append(chr(pcm[0]))
        assert self._script.may.wait(SECONDS)
        self._script.fails("accept")
        self.calls.append(len(pcm))
        ended = []
        for at in range(0, len(pcm), 320):
            start, self._heard = self._heard, self._heard + 160 / self._rate
            if pcm[at] == ord(" "):
                ended += self._end()
            elif pcm[at]:
                self._words.append(Word(chr(pcm[at]), round(start, 3), round(self._heard, 3), 0.5))
        return ended

    def partial(self) -> str:
        return " ".join(word.text for word in self._words)

    def finish(self) -> list[Heard]:
        self._script.fails("finish")
        return self._end()

    def close(self) -> None:
        self._script.fails("close")
        self.closed = True

    def _end(self) -> list[Heard]:
        words, self._words = tuple(self._words), []
        return [words] if words else []


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def feed(stream: Any, letters: str, clock: Clock | None = None) -> None:
    """Chunks as they come: each when it has been spoken."""
    for letter in letters:
        if clock is not None:
            clock.now += 0.02
        stream.feed(chunk(letter))
