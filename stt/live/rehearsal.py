"""What an engine costs on this machine, found out before the first caller speaks."""

import contextlib
import time

import numpy as np

from stt.engine import Engine

RATE = 8000
CHUNK_BYTES = 320  # 20 ms
WARM_SECONDS, SECONDS = 0.5, 1.5
LOUDNESS = 1500


def rehearse(engine: Engine) -> float:
    """CPU seconds of the calling thread per second of sound, partials asked for every 20 ms.

    The sound is noise in syllables' rhythm: a decoder works on it as on speech. Raises whatever
    the engine raises.
    """
    time_of = np.arange(int((WARM_SECONDS + SECONDS) * RATE)) / RATE
    noise = np.random.default_rng(1).normal(0, LOUDNESS, len(time_of))
    rhythm = np.abs(np.sin(2 * np.pi * 2 * time_of))
    sound = (noise * rhythm).astype("<i2").tobytes()
    warm = int(WARM_SECONDS * RATE) * 2
    with contextlib.closing(engine.open(RATE)) as session:
        started = 0.0
        for at in range(0, len(sound), CHUNK_BYTES):
            if at == warm:
                started = time.thread_time()
            session.accept(sound[at : at + CHUNK_BYTES])
            session.partial()
        return (time.thread_time() - started) / SECONDS
