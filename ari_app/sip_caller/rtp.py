"""What a telephone heard, packet by packet: whether something is missing, and what sounded.

Times are seconds since 1970, as the kernel stamped the packets: a busy test is no gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np

from stt.g711 import A_LAW, decode

RATE = 8000
GAP_SECONDS = 0.04
"""Two packets of 20 ms: more between two arrivals is heard."""
_HALF_WIDTH_HZ = 15.0
_LEAST_SHARE = 0.5
_LEAST_LEVEL = 50.0
"""Root mean square of 16-bit samples, below which nothing sounds (-56 dBm0)."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet of A-law. `source` is its SSRC (RFC 3550)."""

    at: float
    sequence: int
    timestamp: int
    source: int
    alaw: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """So long nothing came after the packet that arrived `at`."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Jump:
    """The packet that arrived `at` does not follow the one before it: its number is `came`, not
    `expected`, or it comes from a new source.
    """

    at: float
    expected: int
    came: int
    new_source: bool


@dataclass(frozen=True, slots=True)
class Rtp:
    """The packets of sound that one call heard, in order of arrival, and the keys that came as
    telephone events.
    """

    arrivals: tuple[Arrival, ...]
    keys: str = ""

    def gaps(
        self, longer_than: float = GAP_SECONDS, begin: float = -inf, end: float = inf
    ) -> list[Gap]:
        """Where more than so many seconds passed between two packets of this time."""
        return [
            Gap(before.at, after.at - before.at)
            for before, after in pairwise(self._between(begin, end))
            if after.at - before.at > longer_than
        ]

    def sequence_jumps(self, begin: float = -inf, end: float = inf) -> list[Jump]:
        """Where numbers are missing, come twice or out of order, or the source changes."""
        return [
            Jump(after.at, expected, after.sequence, after.source != before.source)
            for before, after in pairwise(self._between(begin, end))
            if after.sequence != (expected := (before.sequence + 1) & 0xFFFF)
            or after.source != before.source
        ]

    def dominant_tone(self, begin: float = -inf, end: float = inf) -> float | None:
        """The frequency in Hz that has most of the sound of this time; None if none has, or
        nothing sounds. A quarter of a second tells it to 4 Hz.
        """
        sound = decode(b"".join(a.alaw for a in self._between(begin, end)), A_LAW).astype(float)
        if sound.size == 0 or np.sqrt(np.mean(np.square(sound))) < _LEAST_LEVEL:
            return None
        power = np.square(np.abs(np.fft.rfft(sound * np.hanning(sound.size))))
        hz = np.fft.rfftfreq(sound.size, 1 / RATE)
        peak = float(hz[np.argmax(power)])
        share = power[np.abs(hz - peak) <= _HALF_WIDTH_HZ].sum() / power.sum()
        return peak if share >= _LEAST_SHARE else None

    @property
    def alaw(self) -> bytes:
        """All sound, in order of arrival."""
        return b"".join(arrival.alaw for arrival in self.arrivals)

    def _between(self, begin: float, end: float) -> Iterator[Arrival]:
        return (arrival for arrival in self.arrivals if begin <= arrival.at < end)
