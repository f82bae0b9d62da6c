"""How long to wait before the next attempt to connect."""

import random
from collections.abc import Callable, Iterator


def delays(first: float, most: float, draw: Callable[[], float] = random.random) -> Iterator[float]:
    """Endless waits in seconds: doubling from `first` up to `most`, each cut by up to half.

    `draw` gives numbers in [0, 1): the jitter that keeps many clients from returning together.
    """
    whole = first
    while True:
        yield min(whole, most) * (1 - draw() / 2)
        whole = min(whole * 2, most)
