"""An engine that costs as much CPU as a real model of any size."""

import hashlib
import time
from collections.abc import Sequence

from stt.engine import Engine, Heard, Session

GRAIN = 100  # rounds of a hash, which lets go of the interpreter: some 0.1 ms


class Slowed:
    """`engine`, made to use `factor` CPU seconds per second of speech, as evenly as it comes."""

    def __init__(self, engine: Engine, factor: float) -> None:
        self._engine, self._factor = engine, factor

    @property
    def name(self) -> str:
        return f"{self._engine.name} slowed to {self._factor:g}"

    def open(self, rate: int, hot_words: Sequence[str] = ()) -> "SlowedSession":
        return SlowedSession(self._engine.open(rate, hot_words), self._factor / 2 / rate)


class SlowedSession:
    def __init__(self, session: Session, per_byte: float) -> None:
        self._session, self._per_byte = session, per_byte

    def accept(self, pcm: bytes) -> Sequence[Heard]:
        until = time.thread_time() + len(pcm) * self._per_byte
        heard = self._session.accept(pcm)
        while time.thread_time() < until:
            hashlib.pbkdf2_hmac("sha256", b"slow", b"", GRAIN)
        return heard

    def partial(self) -> str:
        return self._session.partial()

    def finish(self) -> Sequence[Heard]:
        return self._session.finish()

    def close(self) -> None:
        self._session.close()
