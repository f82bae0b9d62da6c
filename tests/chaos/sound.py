"""Tones that callers and agents send, and what became of them on the way."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stt import g711
from tests.chaos.wire import Rtp
from tests.rig.rtp import a_law

RATE = 8000
FRAME = 160
CALLER_HZ, AGENT_HZ, SECRET_HZ = 440, 1000, 1750
MOST_GAP_SECONDS = 0.040
LEAST_SHARE = 0.5
"""Of a frame's power that is in the tone, for the frame to count as the tone."""


def tone_file(folder: Path, hertz: int, seconds: int) -> Path:
    """A headerless A-law file of a tone."""
    path = folder / f"tone-{hertz}-{seconds}.alaw"
    if not path.exists():
        turns = (2 * math.pi * hertz * number / RATE for number in range(RATE))
        second = bytes(a_law(round(8000 * math.sin(turn))) for turn in turns)
        path.write_bytes(second * seconds)
    return path


def share(samples: NDArray[np.int16], hertz: int) -> float:
    """How much of the sound's power lies in the tone, 0 to 1; silence has none."""
    signal = samples.astype(np.float64)
    power = float(np.sum(signal**2))
    if len(signal) == 0 or power < len(signal) * 100.0**2:
        return 0.0
    turns = np.exp(-2j * np.pi * hertz * np.arange(len(signal)) / RATE)
    return float(2 * abs(np.sum(signal * turns)) ** 2 / (len(signal) * power))


def seconds_of_tone(samples: NDArray[np.int16], hertz: int) -> float:
    """For how long the tone is heard."""
    frames = [samples[at : at + FRAME] for at in range(0, len(samples) - FRAME + 1, FRAME)]
    return sum(share(frame, hertz) > LEAST_SHARE for frame in frames) * FRAME / RATE


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of a talk as it arrived: how long, how even, and how much of it the tone."""

    packets: int = 0
    longest_gap: float = 0.0
    gap_at: float = 0.0  # when it began, seconds since 1970
    jumps: int = 0  # sequence numbers that do not follow one another
    sources: int = 0  # different SSRCs
    tone: float = 0.0  # share of the packets that are the tone


def flow(packets: Sequence[Rtp], since: float, until: float, hertz: int) -> Flow:
    """The packets between two moments (seconds since 1970)."""
    inside = [packet for packet in packets if since <= packet.at <= until]
    audio = [packet for packet in inside if packet.payload_type == 8]
    if len(inside) < 2:
        return Flow(len(inside))
    pairs = list(itertools.pairwise(inside))
    right = sum(
        share(g711.decode(packet.payload, g711.A_LAW), hertz) > LEAST_SHARE for packet in audio
    )
    gap, gap_at = max((later.at - earlier.at, earlier.at) for earlier, later in pairs)
    return Flow(
        packets=len(inside),
        longest_gap=gap,
        gap_at=gap_at,
        jumps=sum((later.sequence - earlier.sequence) % 65_536 != 1 for earlier, later in pairs),
        sources=len({packet.ssrc for packet in inside}),
        tone=right / len(audio) if audio else 0.0,
    )
