"""Which phone is spoken in which frame, from espeak-ng's phoneme events."""

import numpy as np
from numpy.typing import NDArray

from stt.recipe.phones import SILENCE, PhoneSet, canonical

RATE = 8_000
FRAME, WINDOW = 80, 200
"""A frame starts every 10 ms and is 25 ms long, in samples at 8 kHz."""

CLOSURE_SECONDS = 0.075
"""A shorter gap between syllables is the closure of the consonant after it, not silence."""

ONSET_SECONDS = 0.03
"""The first pdf of a phone covers this much of it: one decoded frame."""

Segment = tuple[float, str]
"""Start in seconds, phone."""


def segments(phonemes: list[tuple[int, str]], total: int, rate: int) -> list[Segment]:
    """Phoneme events of one utterance → its segments, silence where espeak-ng pauses.

    Args:
        phonemes: (first sample, name); names that start with `_` mark gaps between syllables.
        total: samples in the utterance.
        rate: samples a second.
    """
    found: list[Segment] = []
    gap: int | None = None
    position = 0
    for sample, name in phonemes:
        if name.startswith("_"):
            gap = sample if gap is None else gap
            position = 0
            continue
        if not name or name == "(":
            continue
        start = sample
        if gap is not None and found and (sample - gap) / rate < CLOSURE_SECONDS:
            start = gap
        elif gap is not None and sample > gap:
            found.append((gap / rate, SILENCE))
        gap = None
        found.append((start / rate, canonical(position, name)))
        position += 1
    if gap is not None and gap < total:
        found.append((gap / rate, SILENCE))
    return found


def frame_labels(frames: int, spoken: list[Segment], phones: PhoneSet) -> NDArray[np.int64]:
    """The pdf at the centre of each of `frames` windows; before the first segment its own pdf."""
    starts = np.array([start for start, _ in spoken])
    pdfs = np.array([phones.pdfs[phone] for _, phone in spoken])
    centres = (np.arange(frames) * FRAME + WINDOW // 2) / RATE
    current = np.maximum(np.searchsorted(starts, centres, side="right") - 1, 0)
    onset = centres - starts[current] < ONSET_SECONDS
    return np.where(onset, pdfs[current, 0], pdfs[current, 1])
