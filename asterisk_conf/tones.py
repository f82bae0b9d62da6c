"""The sounds that need no voice: soft music for waiting callers, and the tone before a message.

They are computed, so nothing has to be shipped or licensed. 8 kHz, mono, 16 bit WAV.
"""

import io
import wave

import numpy as np
import numpy.typing as npt

RATE = 8000  # samples per second
_Samples = npt.NDArray[np.float64]

# Four chords (Hz), low and close so that a telephone's 300-3400 Hz band carries them softly.
_CHORDS = (
    (329.6, 392.0, 523.3),
    (349.2, 440.0, 523.3),
    (329.6, 415.3, 493.9),
    (349.2, 440.0, 587.3),
)
_CHORD_SECONDS = 4.0
_MUSIC_LEVEL = 0.12  # about -18 dBFS


def music() -> bytes:
    """A WAV file of a slow, soft chord sequence that can be repeated without a click."""
    return _wav(np.concatenate([_swell(chord) for chord in _CHORDS]) * _MUSIC_LEVEL)


def beep() -> bytes:
    """A WAV file of the tone after which a caller speaks: 1000 Hz, 0.3 s."""
    time = np.arange(int(0.3 * RATE)) / RATE
    ramp = np.minimum(1.0, np.minimum(time, time[-1] - time) / 0.01)
    return _wav(np.sin(2 * np.pi * 1000 * time) * ramp * 0.25)


def _swell(chord: tuple[float, ...]) -> _Samples:
    time = np.arange(int(_CHORD_SECONDS * RATE)) / RATE
    voices = sum(np.sin(2 * np.pi * hertz * time) for hertz in chord) / len(chord)
    envelope: _Samples = np.sin(np.pi * time / _CHORD_SECONDS) ** 0.5
    return np.asarray(voices * envelope, dtype=np.float64)


def _wav(samples: _Samples) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
