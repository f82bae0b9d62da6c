"""Forty calls at once on an engine that costs what a large model does.

    python -m speech_load.full FOLDER CALLS SECONDS FACTOR THREADS

First the calls speak and nobody listens, then with the pool; the difference of the event loop's
lateness is what the recognition does to calls. Prints one JSON object.
"""

import asyncio
import json
import sys
import time
import wave
from pathlib import Path
from typing import Any

import uvloop

from speech_load.figures import percentile
from speech_load.slowed import Slowed
from speech_load.sound import FRAME_BYTES, FRAME_SECONDS, RATE, party, sentences
from stt.evaluate import distance
from stt.live import LivePool, LiveStream
from stt.model import BUNDLED
from stt.recogniser import SpeechModel, recognise
from stt.transcriber import Transcriber
from stt.wav import probe

KEY = "default"
TICK_SECONDS = 0.01
DEADLINE = 1800.0


async def speak(pcm: bytes, stream: LiveStream | None) -> None:
    began = time.monotonic()
    for frame, at in enumerate(range(0, len(pcm), FRAME_BYTES), 1):
        await asyncio.sleep(max(0.0, began + frame * FRAME_SECONDS - time.monotonic()))
        if stream is not None:
            stream.feed(pcm[at : at + FRAME_BYTES])


class Lateness:
    """How late the event loop is: what a call's next step waits for."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    async def run(self) -> None:
        while True:
            due = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.ms.append((time.monotonic() - due) * 1000)


async def with_lateness(calls: list[Any]) -> list[float]:
    lateness = Lateness()
    ticking = asyncio.create_task(lateness.run(), name="lateness")
    await asyncio.gather(*calls)
    ticking.cancel()
    return lateness.ms


def record(path: Path, pcm: bytes) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    return path


async def run(folder: Path, calls: int, seconds: float, factor: float, threads: int) -> Any:
    model = SpeechModel.load(BUNDLED)
    engine = Slowed(model, factor)
    said = sentences(folder, 30)
    speeches = [party(number, said, seconds).pcm for number in range(calls)]
    paths = [record(folder / f"call-{n}.pcm.wav", pcm) for n, pcm in enumerate(speeches)]
    expected = [recognise(model, probe(path)) for path in paths]
    quiet = await with_lateness([speak(pcm, None) for pcm in speeches])
    async with (
        LivePool({KEY: engine}, threads=threads) as pool,
        Transcriber(
            {KEY: engine}, threads=1, queue=calls, share=lambda: pool.idle_share
        ) as transcriber,
    ):
        streams = [pool.open(KEY, RATE) for _ in speeches]
        cost = pool.cost(KEY)
        busy = await with_lateness(
            [speak(pcm, stream) for pcm, stream in zip(speeches, streams, strict=True)]
        )
        live = {n: await stream.finish(10) for n, stream in enumerate(streams) if stream}
        later = [n for n, stream in enumerate(streams) if not stream or not live[n].complete]
        found = await asyncio.gather(
            *(transcriber.transcribe(paths[n], deadline=DEADLINE, priority=n) for n in later)
        )
    texts = {n: "".join(one.text for one in outcome.utterances) for n, outcome in live.items()}
    texts |= {n: one.text for n, one in zip(later, found, strict=True)}
    wanted = {n: one.text for n, one in enumerate(expected) if one is not None}
    return {
        "cost": cost,
        "live": sum(outcome.complete for outcome in live.values()),
        "gave_up": sum(not outcome.complete for outcome in live.values()),
        "refused": len(later),
        "afterwards": len(found),
        "characters": sum(map(len, wanted.values())),
        "differences": sum(distance(wanted[n], texts[n]) for n in wanted),
        "loop_late_ms_p50": [round(percentile(one, 0.5), 2) for one in (quiet, busy)],
        "loop_late_ms_p99": [round(percentile(one, 0.99), 2) for one in (quiet, busy)],
    }


if __name__ == "__main__":
    folder, calls, seconds, factor, threads = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        work = run(Path(folder), int(calls), float(seconds), float(factor), int(threads))
        print(json.dumps(runner.run(work)))
