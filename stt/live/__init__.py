"""Speech recognised while it is spoken: a pool of recognisers, and the audio's way to it."""

from stt.live.media import MediaError, read_media
from stt.live.outcome import Outcome, Why
from stt.live.pool import LivePool
from stt.live.stream import LiveStream
from stt.transcript import Utterance

__all__ = ["LivePool", "LiveStream", "MediaError", "Outcome", "Utterance", "Why", "read_media"]
