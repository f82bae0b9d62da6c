"""How many streams the machine can hear at once: arithmetic on measured cost."""

import math
import threading

WINDOW_SECONDS = 60.0
"""Seconds of speech after which an old measurement counts for a third."""

LEAST_SECONDS = 0.5
"""Work is measured over pieces of at least this much speech: decoders work in bursts."""

LEAST_SHARE = 0.1
"""What work that can wait may use of a thread however busy the machine is: it never starves."""


class Cost:
    """What one second of speech costs an engine, in CPU seconds: a moving average.

    `first` is what a rehearsal found; without one the first speech is believed. `note` may be
    called from any thread.
    """

    def __init__(self, first: float | None = None) -> None:
        self.per_second = first or 0.0
        self._unknown = first is None
        self._cpu = self._seconds = 0.0
        self._lock = threading.Lock()

    def note(self, cpu: float, seconds: float) -> None:
        """`cpu` seconds were spent on `seconds` of speech."""
        with self._lock:
            self._cpu += cpu
            self._seconds += seconds
            if self._seconds < LEAST_SECONDS:
                return
            weight = 1.0 if self._unknown else 1 - math.exp(-self._seconds / WINDOW_SECONDS)
            self._unknown = False
            self.per_second += weight * (self._cpu / self._seconds - self.per_second)
            self._cpu = self._seconds = 0.0


def fits(load: float, cost: float, capacity: float) -> bool:
    """Whether one more stream of `cost` may join streams that cost `load` together.

    The first one always may: a measurement that was spoilt is put right only by another one.
    """
    return capacity > 0 and (load == 0 or load + cost <= capacity)


def idle_share(load: float, threads: float) -> float:
    """The share of a thread that work which can wait may use beside live streams."""
    return max(LEAST_SHARE, 1 - load / threads) if threads > 0 else LEAST_SHARE
