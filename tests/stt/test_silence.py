"""A caller who says nothing is told from one who says a word, however softly."""

import numpy as np
import pytest

from stt.silence import Silence

RATE = 8000


def noise(seconds: float, decibels: float) -> bytes:
    """White noise of so many dBFS (RMS)."""
    chance = np.random.default_rng(1)
    whole = chance.normal(0, 32768 * 10 ** (decibels / 20), round(seconds * RATE))
    return np.clip(whole, -32768, 32767).astype("<i2").tobytes()


def broken(samples: bytes, piece: int) -> bool:
    silence = Silence(RATE)
    for start in range(0, len(samples), piece):
        silence.feed(samples[start : start + piece])
    return silence.broken


@pytest.mark.parametrize("piece", [1, 333, 1600, 65_536])
@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (b"", False),
        (bytes(16_000), False),
        (b"\x08\x00" * 16_000, False),  # A-law's silence
        (noise(3, -60), False),
        (noise(1, -60) + noise(0.3, -40) + noise(1, -60), True),
        (noise(0.25, -20), True),
        (bytes(30_000) + noise(0.25, -30), True),
    ],
    ids=["nothing", "zeros", "silence", "line", "whisper", "word", "last word"],
)
def test_a_word_is_heard_and_the_line_is_not(samples: bytes, says: bool, piece: int) -> None:
    assert broken(samples, piece) is says
