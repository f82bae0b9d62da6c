"""What the soak looks at while callers talk: the processes' sizes, and Asterisk's own clock on how
long callers wait for what they asked."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import orjson
import psutil

SAMPLE_SECONDS = 2.0
LEG = "c-"  # how the application names the channels of agents' telephones


@dataclass(frozen=True)
class Sample:
    """Sizes of one process. `cpu`: seconds used so far; memory in bytes."""

    at: float
    memory: int
    files: int
    threads: int
    cpu: float

    @classmethod
    def of(cls, process: psutil.Process) -> "Sample":
        times = process.cpu_times()
        return cls(
            time.monotonic(),
            process.memory_info().rss,
            process.num_fds(),
            process.num_threads(),
            times.user + times.system,
        )


@dataclass
class Sizes:
    """A process, looked at again and again."""

    process: psutil.Process
    samples: list[Sample] = field(default_factory=list)

    def look(self) -> None:
        self.samples.append(Sample.of(self.process))

    def cores(self) -> float:
        """Cores in use on average."""
        first, last = self.samples[0], self.samples[-1]
        return (last.cpu - first.cpu) / (last.at - first.at)


@asynccontextmanager
async def looking(*sizes: Sizes) -> AsyncIterator[None]:
    """Take samples for the length of the block, the first and the last at its ends."""

    async def look() -> None:
        while True:
            for one in sizes:
                one.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    task = asyncio.create_task(look(), name="sizes")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for one in sizes:
            one.look()


@dataclass
class Waits:
    """Seconds that callers waited, in the order in which they did.

    prompt: from the end of a key to the prompt that follows. talk: from the agent's answer until
    caller and agent are both in the bridge.
    """

    prompt: list[float] = field(default_factory=list)
    talk: list[float] = field(default_factory=list)
    _keys: dict[str, float] = field(default_factory=dict)
    _answers: dict[str, float] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """One event of Asterisk."""
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        match event["type"]:
            case "ChannelDtmfReceived":
                self._keys[event["channel"]["id"]] = at
            case "PlaybackStarted":
                channel = event["playback"]["target_uri"].removeprefix("channel:")
                if (pressed := self._keys.pop(channel, None)) is not None:
                    self.prompt.append(at - pressed)
            case "ChannelStateChange" if event["channel"]["state"] == "Up":
                ident = event["channel"]["id"]
                if ident.startswith(LEG):
                    self._answers[ident] = at
            case "ChannelEnteredBridge":
                inside = event["bridge"]["channels"]
                for ident in inside:
                    if len(inside) == 2 and ident in self._answers:
                        self.talk.append(at - self._answers.pop(ident))


@asynccontextmanager
async def waits_of(url: str, password: str) -> AsyncIterator[Waits]:
    """What all callers wait, told by an ARI application that hears of everything."""
    waits = Waits()

    async def read(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                waits.take(orjson.loads(message.data))

    where = f"{url}/events?app=soak&subscribeAll=true&api_key=huisheng:{password}"
    async with aiohttp.ClientSession() as session, session.ws_connect(where) as socket:
        reading = asyncio.create_task(read(socket), name="waits")
        try:
            yield waits
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
