"""Recordings after the call: the transcriber against a bare Vosk loop on the same files.

    python -m speech_load.recordings FOLDER ROUNDS

Prints one JSON object: CPU seconds of each round and seconds of speech.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from stt.model import BUNDLED
from stt.recogniser import BLOCK_SECONDS, SpeechModel, vosk
from stt.transcriber import Transcriber
from stt.wav import probe

DEADLINE = 600.0


def bare(model: SpeechModel, paths: list[Path]) -> float:
    before = time.process_time()
    for path in paths:
        recording = probe(path)
        recogniser = vosk.KaldiRecognizer(model.handle, recording.rate)
        recogniser.SetWords(True)
        for block in recording.blocks(BLOCK_SECONDS):
            if recogniser.AcceptWaveform(block):
                json.loads(recogniser.Result())
        json.loads(recogniser.FinalResult())
    return time.process_time() - before


async def ours(model: SpeechModel, paths: list[Path]) -> float:
    async with Transcriber({"default": model}, threads=1, queue=len(paths)) as transcriber:
        before = time.process_time()
        await asyncio.gather(*(transcriber.transcribe(one, deadline=DEADLINE) for one in paths))
        return time.process_time() - before


def main(folder: Path, rounds: int) -> None:
    model = SpeechModel.load(BUNDLED)
    paths = sorted(folder.glob("*.wav"))
    bare(model, paths[:3])
    found = {"seconds": sum(probe(path).seconds for path in paths), "bare": [], "ours": []}
    for _ in range(rounds):
        found["bare"].append(bare(model, paths))
        found["ours"].append(asyncio.run(ours(model, paths)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
