"""The contenders, each run in a process of its own: the live pool, and a loop that does no more
than it must.

    python -m speech_load.ears bare|pool URL STREAMS THREADS

Prints one JSON object: CPU seconds, seconds of speech, and for each stream when it began and what
was shown when, in seconds of the monotonic clock.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop

from speech_load.sound import RATE
from stt.live import LivePool, read_media
from stt.model import BUNDLED
from stt.recogniser import SpeechModel, vosk

KEY = "default"


@dataclass
class Heard:
    """What one stream showed: (when, seconds at its end or 0 for a partial)."""

    began: float = float("inf")
    shown: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = True
    why: str = ""


async def bare(url: str, model: SpeechModel, heard: Heard) -> None:
    """A websocket reader and Vosk, in one loop, one thread."""
    recogniser = vosk.KaldiRecognizer(model.handle, RATE)
    recogniser.SetWords(True)
    shown, position = "", 0
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("media",), max_msg_size=65_536) as socket,
    ):
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            now = time.monotonic()
            position += len(message.data)
            heard.began = min(heard.began, now - position / 2 / RATE)
            if recogniser.AcceptWaveform(message.data):
                result = json.loads(recogniser.Result()).get("result")
                if result:
                    heard.shown.append((time.monotonic(), result[-1]["end"]))
            else:
                partial = recogniser.PartialResult()
                if partial != shown:
                    shown = partial
                    heard.shown.append((time.monotonic(), 0.0))
    heard.seconds = position / 2 / RATE
    recogniser.FinalResult()


async def ours(url: str, pool: LivePool, heard: Heard) -> None:
    """As a call does it."""
    stream = pool.open(
        KEY,
        RATE,
        on_partial=lambda text: heard.shown.append((time.monotonic(), 0.0)) if text else None,
        on_utterance=lambda said: heard.shown.append((time.monotonic(), said.end)),
    )
    if stream is None:
        heard.complete = False
        return
    await read_media(url, stream)
    outcome = await stream.finish(10)
    heard.seconds, heard.complete, heard.why = outcome.seconds, outcome.complete, outcome.why
    heard.began = stream.began


async def run(kind: str, url: str, streams: int, threads: int) -> dict[str, Any]:
    model = SpeechModel.load(BUNDLED)
    ears = [Heard() for _ in range(streams)]
    if kind == "bare":
        before = time.process_time()
        await asyncio.gather(*(bare(f"{url}/{n}", model, ear) for n, ear in enumerate(ears)))
        cpu = time.process_time() - before
    else:
        async with LivePool({KEY: model}, threads=threads) as pool:
            before = time.process_time()
            await asyncio.gather(*(ours(f"{url}/{n}", pool, ear) for n, ear in enumerate(ears)))
            cpu = time.process_time() - before
    return {
        "cpu": cpu,
        "seconds": sum(ear.seconds for ear in ears),
        "complete": sum(ear.complete for ear in ears),
        "streams": [
            {"began": ear.began, "shown": ear.shown, "seconds": ear.seconds, "why": ear.why}
            for ear in ears
        ],
    }


if __name__ == "__main__":
    _, kind, url, streams, threads = sys.argv
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(kind, url, int(streams), int(threads)))))
