"""One mix of the recordings of a talk's parties, in step with one another.

Each party is recorded from the moment it came in, and Asterisk leaves a pause out of the file; so
every track says when it began and when it was paused, on one clock, and gets silence there.
Memory is bounded: one second of each track at a time.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stt.errors import AudioError
from stt.wav import Recording, probe

RATE = 8000
"""Samples a second, of every track and of the mix."""

BLOCK_SAMPLES = RATE
MOST_BYTES = 0xFFFFFFFF - 36
"""What the sizes in a WAV header can say."""

_LOWEST, _HIGHEST = -32768, 32767

Samples = NDArray[np.int16]
Sum = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Track:
    """One party's recording.

    Attributes:
        path: a WAV file that `stt.wav` reads, at 8 kHz.
        offset: when it began, in seconds on the mix's clock, which begins at 0.
        pauses: (from, to) in seconds on the same clock: nothing was written then. The same pauses
            may be given to every track; what lies before its beginning is passed over.
        caller: the caller's, which a stereo mix puts on the left.
    """

    path: Path
    offset: float = 0.0
    pauses: Sequence[tuple[float, float]] = ()
    caller: bool = False


def mix(
    tracks: Sequence[Track], write: Callable[[bytes], object], *, stereo: bool = False
) -> float:
    """Write the mix as a WAV file, PCM16 at 8 kHz, through `write`, from its first byte to its
    last. Returns its seconds.

    Where voices together are too loud they are limited, never wrapped round. A stereo mix has the
    caller on the left and all others on the right.

    Raises:
        AudioError: a track cannot be read or is not at 8 kHz, or the mix is too long for a WAV
            file (nothing has been written then), or a file ended early (the mix is useless).
        ValueError: a track begins before 0, or a pause ends before it begins.
    """
    readers = [_Reader(track) for track in tracks]
    length = max((reader.length for reader in readers), default=0)
    width = 4 if stereo else 2
    if length * width > MOST_BYTES:
        raise AudioError(
            tracks[0].path, "the mix is longer than a WAV file can be; mix parts of it"
        )
    write(_header(length, 2 if stereo else 1))
    for start in range(0, length, BLOCK_SAMPLES):
        count = min(BLOCK_SAMPLES, length - start)
        sides = np.zeros((2 if stereo else 1, count), np.int32)
        for reader in readers:
            sides[1 if stereo and not reader.caller else 0] += reader.take(count)
        limited: Samples = np.clip(sides, _LOWEST, _HIGHEST).astype("<i2")
        write(limited.T.tobytes())  # the sides of one moment lie beside each other
    return length / RATE


class _Reader:
    """A track as an endless row of samples: silence before, in pauses and afterwards."""

    def __init__(self, track: Track) -> None:
        recording = probe(track.path)
        if recording.rate != RATE:
            raise AudioError(track.path, f"{recording.rate} samples a second; a mix needs {RATE}")
        self.caller = track.caller
        stretches = list(_stretches(track, round(recording.seconds * RATE)))
        self.length = sum(count for _, count in stretches)
        self._row = _row(recording, stretches)
        self._left = np.zeros(0, np.int16)

    def take(self, count: int) -> Samples:
        """The next `count` samples."""
        parts = [self._left]
        have = len(self._left)
        while have < count:
            part = next(self._row)
            parts.append(part)
            have += len(part)
        samples = np.concatenate(parts)
        self._left = samples[count:]
        return samples[:count]


def _stretches(track: Track, samples: int) -> Iterator[tuple[bool, int]]:
    """(whether it sounds, samples) of each stretch, from 0 to the last sound."""
    at = _sample(track.offset)
    if at < 0:
        raise ValueError(f"{track.path}: the track begins at {track.offset:g} s; 0 is the earliest")
    yield False, at
    for start, stop in _merged(track.pauses):
        begin, end = max(_sample(start), at), _sample(stop)
        if end <= begin:
            continue  # before the track's beginning
        if begin - at >= samples:
            break  # after its last sound
        yield True, begin - at
        yield False, end - begin
        samples -= begin - at
        at = end
    yield True, samples


def _merged(pauses: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, stop in sorted(pauses):
        if stop < start:
            raise ValueError(f"a pause ends at {stop:g} s, before it begins at {start:g} s")
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _row(recording: Recording, stretches: Sequence[tuple[bool, int]]) -> Iterator[Samples]:
    sound = _sound(recording)
    rest = np.zeros(0, np.int16)
    for sounds, count in stretches:
        while count > 0:
            if not sounds:
                part = np.zeros(min(count, BLOCK_SAMPLES), np.int16)
            else:
                if not len(rest):
                    rest = next(sound, rest)
                    if not len(rest):
                        raise AudioError(recording.path, "the file ended before its length")
                part, rest = rest[:count], rest[count:]
            yield part
            count -= len(part)
    while True:
        yield np.zeros(BLOCK_SAMPLES, np.int16)


def _sound(recording: Recording) -> Iterator[Samples]:
    for block in recording.blocks(BLOCK_SAMPLES / RATE):
        yield np.frombuffer(block, "<i2").astype(np.int16)


def _sample(seconds: float) -> int:
    return round(seconds * RATE)


def _header(length: int, channels: int) -> bytes:
    width = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, RATE, RATE * width, width, 16)
    size = length * width
    return b"".join(
        (
            b"RIFF" + struct.pack("<I", 36 + size) + b"WAVE",
            b"fmt " + struct.pack("<I", len(form)) + form,
            b"data" + struct.pack("<I", size),
        )
    )
