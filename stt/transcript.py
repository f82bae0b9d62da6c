"""What was said: words with their times, and the text as Chinese is written."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

UNKNOWN_WORDS = frozenset({"[unk]", "<unk>", "<UNK>"})
"""What models say for a sound that is no word of theirs; never shown."""

_LATIN_EDGE = re.compile(r"[0-9A-Za-z']")


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word: seconds from the start of the recording, confidence 0 … 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one recording.

    `seconds` is the recording's length, `busy_seconds` the CPU time it took, `engine` names the
    recogniser and the model.
    """

    words: tuple[Word, ...]
    seconds: float
    busy_seconds: float
    engine: str

    @property
    def text(self) -> str:
        """The words joined; blanks stand only between Latin words. Silence is the empty text."""
        return join(word.text for word in self.words)

    @property
    def real_time_factor(self) -> float:
        """CPU seconds per second of speech; 0 for an empty recording."""
        return self.busy_seconds / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: text, words, seconds, real_time_factor, engine."""
        return {
            "text": self.text,
            "words": [asdict(word) for word in self.words],
            "seconds": round(self.seconds, 3),
            "real_time_factor": round(self.real_time_factor, 4),
            "engine": self.engine,
        }


def join(words: Iterable[str]) -> str:
    """Words as one text: 我 要 退款 → 我要退款, but wi fi 密码 → wi fi密码."""
    text = ""
    for word in words:
        between_latin = text and _LATIN_EDGE.match(text[-1]) and _LATIN_EDGE.match(word)
        text += " " + word if between_latin else word
    return text
