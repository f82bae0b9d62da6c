"""Recordings that tests keep: WAV files made by hand, and how they are filed."""

import io
import wave

import numpy as np

from desk.recordings import Keys, NewRecording, Store

KEYS = Keys(bytes(range(32)))
RATE = 8000


def wav(seconds: float, frequency: float = 440.0) -> bytes:
    """A tone, 8 kHz, 16 bits, one channel."""
    times = np.arange(int(seconds * RATE)) / RATE
    samples = (8000 * np.sin(2 * np.pi * frequency * times)).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def filed(
    store: Store, name: str, audio: bytes, call_id: str = "c1", kind: str = "message"
) -> NewRecording:
    """Keep `audio` in the store; what the desk would be told of it."""
    kept = store.keep(name, audio)
    seconds = (len(audio) - 44) / (2 * RATE)
    return NewRecording(
        call_id,
        name,
        kept.path,
        seconds,
        kept.sha256,
        kind,
        encrypted=kept.encrypted,
        bytes=kept.bytes,
    )
