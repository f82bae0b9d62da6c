"""What a telephone line does to speech, and what else is heard on it."""

from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from stt.g711 import A_LAW, MU_LAW, over_the_line
from stt.recipe.labels import RATE

Audio = NDArray[np.float64]

_TELEPHONE_BAND = butter(3, [300, 3400], "bandpass", fs=RATE, output="sos")
_KEY_ROWS, _KEY_COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
_CALL_PROGRESS = (425, 440, 450, 480)
FULL_SCALE = 32_767


def to_line_rate(samples: NDArray[np.int16], rate: int) -> Audio:
    """`samples` at `rate` Hz → 8 kHz."""
    divisor = int(np.gcd(RATE, rate))
    return resample_poly(samples.astype(np.float64), RATE // divisor, rate // divisor)


def through(speech: Audio, rng: np.random.Generator) -> NDArray[np.int16]:
    """One random call: echo, narrow band, level, noise and codec, each present or not."""
    heard = speech.copy()
    if rng.random() < 0.3:
        delay = int(rng.uniform(0.02, 0.15) * RATE)
        heard[delay:] += speech[:-delay] * rng.uniform(0.02, 0.3)
    if rng.random() < 0.4:
        heard = sosfilt(_TELEPHONE_BAND, heard)
    heard *= FULL_SCALE * 10 ** rng.uniform(-1.3, -0.02) / (np.abs(heard).max() + 1)
    noise = rng.random()
    if noise < 0.6:
        level = np.sqrt((heard**2).mean()) + 1
        heard += rng.normal(0, level * 10 ** (-rng.uniform(12, 45) / 20), len(heard))
    elif noise < 0.75:
        heard += rng.normal(0, rng.uniform(0.3, 6), len(heard))
    codec = rng.random()
    if codec < 0.5:
        return over_the_line(heard, A_LAW)
    if codec < 0.8:
        return over_the_line(heard, MU_LAW)
    return np.clip(np.round(heard), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)


def without_speech(rng: Random, noise: np.random.Generator) -> Audio:
    """Silence, hiss, key tones or ring-back, one to three seconds: nothing must be recognised."""
    time = np.arange(int(rng.uniform(1, 3) * RATE)) / RATE
    kind = rng.random()
    if kind < 0.3:
        return np.zeros(len(time))
    if kind < 0.6:
        return noise.normal(0, 10 ** rng.uniform(0, 2.7), len(time))
    if kind < 0.85:
        frequencies = [rng.choice(_KEY_ROWS), rng.choice(_KEY_COLUMNS)]
        sounding = time % rng.uniform(0.2, 0.8) < rng.uniform(0.06, 0.2)
    else:
        frequencies = [rng.choice(_CALL_PROGRESS)]
        sounding = time % rng.uniform(0.7, 5) < rng.uniform(0.3, 1)
    tone = sum(np.sin(2 * np.pi * f * time) for f in frequencies)
    return tone * sounding * 10 ** rng.uniform(2.5, 4)
