"""WAV files made by hand, so that a test says which byte is wrong."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
PCM, A_LAW, MU_LAW = 1, 6, 7


def header(
    size: int, *, tag: int = PCM, channels: int = 1, rate: int = RATE, bits: int = 16
) -> bytes:
    width = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)
    return b"".join(
        [
            b"RIFF" + struct.pack("<I", (36 + size) & 0xFFFFFFFF) + b"WAVE",
            b"fmt " + struct.pack("<I", len(body)) + body,
            b"data" + struct.pack("<I", size & 0xFFFFFFFF),
        ]
    )


def write(path: Path, samples: NDArray[np.int16], rate: int = RATE) -> Path:
    body = samples.astype("<i2").tobytes()
    path.write_bytes(header(len(body), rate=rate) + body)
    return path


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(int(seconds * RATE), np.int16)
