"""Who watches a call."""

import asyncio
import threading
from dataclasses import dataclass, field

from stt.live import LivePool, LiveStream, Utterance, Why
from tests.stt.live.conftest import KEY
from tests.stt.live.engines import RATE, SECONDS


@dataclass
class Page:
    """What an agent sees."""

    partials: list[str] = field(default_factory=list)
    said: list[Utterance] = field(default_factory=list)
    gave_up: list[Why] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def partial(self, text: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.partials.append(text)
        self.changed.set()

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(SECONDS):
            while self.partials[-1:] != [text]:
                self.changed.clear()
                await self.changed.wait()

    def open(self, pool: LivePool) -> LiveStream:
        stream = pool.open(
            KEY,
            RATE,
            on_partial=self.partial,
            on_utterance=self.said.append,
            on_gave_up=self.gave_up.append,
        )
        assert stream is not None
        return stream

    @property
    def texts(self) -> list[str]:
        return [said.text for said in self.said]
