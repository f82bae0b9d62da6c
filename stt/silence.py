"""Whether anything at all is said in a recording, told while it passes.

Silence is what a line sounds like of itself: no tenth of a second is louder, on the average, than
-50 dBFS. Speech that a telephone carries is louder by 20 dB and more.
"""

import numpy as np

QUIET = 100  # mean magnitude of 16-bit samples
WINDOW_SECONDS = 0.1


class Silence:
    """Takes 16-bit samples (little-endian) in pieces of any length."""

    def __init__(self, rate: int) -> None:
        """`rate`: samples a second."""
        self._window = round(rate * WINDOW_SECONDS)
        self._rest = b""
        self.broken = False

    def feed(self, samples: bytes) -> None:
        """The next piece; `broken` from the first sound on."""
        if self.broken:
            return
        samples = self._rest + samples
        whole = len(samples) // (2 * self._window)
        self._rest = samples[whole * 2 * self._window :]
        heard = np.frombuffer(samples, "<i2", whole * self._window).reshape(whole, self._window)
        if whole:
            self.broken = bool(np.abs(heard.astype(np.int32)).mean(axis=1).max() > QUIET)
