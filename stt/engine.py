"""What a recogniser of speech must offer, whoever made it and wherever it runs.

An engine makes sessions; a session hears one party. Vosk in this process (`stt.recogniser`) and a
vosk-server elsewhere (`stt.vosk_server`) are such engines.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from stt.transcript import Word

Heard: TypeAlias = tuple[Word, ...]
"""The words of one utterance, in order; seconds from the first sample of the session."""


class Session(Protocol):
    """The recognition of one stream. Called from one thread at a time, in order, never after
    `finish` or `close`. Any call may raise; the session is then closed and not used again."""

    def accept(self, pcm: bytes) -> Sequence[Heard]:
        """Hear PCM16 samples, little-endian; the utterances that ended, oldest first."""
        ...

    def partial(self) -> str:
        """The words of the utterance in progress, separated by blanks; they may still change."""
        ...

    def finish(self) -> Sequence[Heard]:
        """Nothing more will be said: the utterances that were not yet given out."""
        ...

    def close(self) -> None:
        """Free what the session holds, finished or not."""
        ...


class Engine(Protocol):
    """A recogniser that may serve many sessions in many threads at once."""

    @property
    def name(self) -> str:
        """How transcripts name their origin: `vosk/vosk-model-cn-0.22`."""
        ...

    def open(self, rate: int, hot_words: Sequence[str] = ()) -> Session:
        """Begin a session at `rate` samples a second; `hot_words` are likely, if it can use them.

        May block for a few seconds: it is called in a recogniser thread.
        """
        ...
