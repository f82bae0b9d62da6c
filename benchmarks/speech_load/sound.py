"""What the parties say: sentences that the bundled model never saw, one after another."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from stt.recipe.measure import HELD_OUT
from stt.recipe.spoken import Voice, say
from stt.wav import probe

RATE = 8000
FRAME_BYTES = 320
FRAME_SECONDS = 0.02
VOICES = (Voice(), Voice("f2", 162, 66), Voice("m3", 192, 45))
BREATH_SECONDS = 1.0  # between two sentences: longer than the recogniser waits for more
LOUD = 600
"""Speech is over after the last sample as loud as this: −35 dB of full scale."""


@dataclass(frozen=True)
class Sentence:
    """`pcm` is PCM16 with half a second of silence or more behind; `end` is when the last word is
    over, in seconds from its beginning."""

    text: str
    pcm: bytes
    end: float

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / RATE


def sentences(folder: Path, most: int) -> list[Sentence]:
    """Speak `most` sentences into `folder`; what is there already is used again."""
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line and not line.startswith("#")][:most]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda one: _spoken(folder, *one), zip(texts, cycle(VOICES))))


def _spoken(folder: Path, text: str, voice: Voice) -> Sentence:
    wav = folder / f"{text}.wav"
    if not wav.exists():
        say(text, wav, voice)
    pcm = b"".join(probe(wav).blocks(60))
    samples = np.frombuffer(pcm, "<i2").astype(np.int32)
    end = float(np.flatnonzero(np.abs(samples) > LOUD)[-1] + 1) / RATE
    silence = bytes(int(BREATH_SECONDS * RATE) * 2)
    whole = pcm + silence
    return Sentence(text, whole + bytes(-len(whole) % FRAME_BYTES), end)


@dataclass(frozen=True)
class Speech:
    """What one party says: `pcm`, and in it each sentence's beginning and the last word's end."""

    pcm: bytes
    spans: tuple[tuple[float, float], ...]


def party(number: int, said: Sequence[Sentence], seconds: float) -> Speech:
    """`seconds` of speech at least, whole sentences; parties begin with different ones, and not
    all at the same moment."""
    parts = [bytes(FRAME_BYTES * (number * 7 % 50))]
    length, spans = len(parts[0]), []
    index = number * 5
    while length / 2 / RATE < seconds:
        sentence = said[index % len(said)]
        start = length / 2 / RATE
        spans.append((start, start + sentence.end))
        parts.append(sentence.pcm)
        length += len(sentence.pcm)
        index += 1
    return Speech(b"".join(parts), tuple(spans))
