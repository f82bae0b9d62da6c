"""G.711 as tables: what each of the 256 A-law and µ-law bytes means in 16-bit linear PCM.

Source: ITU-T G.711 (1988), tables 1 and 2; the values are scaled to 16 bits as telephony
software does (A-law ±32,256, µ-law ±32,124).
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


def _a_law() -> Samples:
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    magnitude = np.where(
        segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _mu_law() -> Samples:
    code = np.arange(256) ^ 0xFF
    segment, step = (code >> 4) & 7, code & 15
    magnitude = (((step << 3) + 0x84) << segment) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


A_LAW: Samples = _a_law()
"""Linear value of every A-law byte, shape (256,)."""

MU_LAW: Samples = _mu_law()
"""Linear value of every µ-law byte, shape (256,)."""


def decode(coded: bytes, table: Samples) -> Samples:
    """Linear samples of `coded`, one per byte."""
    return table[np.frombuffer(coded, np.uint8)]


def over_the_line(pcm: NDArray[np.floating] | Samples, table: Samples) -> Samples:
    """`pcm` after coding and decoding: each sample moves to the nearest value of `table`."""
    levels = np.unique(table).astype(np.int32)
    borders = (levels[1:] + levels[:-1] + 1) // 2
    return levels[np.searchsorted(borders, pcm, side="right")].astype(np.int16)
