"""What was said: words with their times, and the text as Chinese is written."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

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
class Utterance:
    """What was said in one breath, as the recogniser ended it.

    `start` and `end` are seconds from the beginning of the stream or the recording, those of the
    first and the last word; `text` is ready to be read, `words` are as they were recognised;
    `confidence` is 0 … 1, the mean of the words'.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    confidence: float

    @classmethod
    def of(
        cls,
        words: Sequence[Word],
        polish: Callable[[str], str] = lambda text: text,
        offset: float = 0.0,
    ) -> Self:
        """The utterance of `words` (at least one), `offset` seconds later than they say."""
        moved = tuple(
            replace(word, start=round(word.start + offset, 3), end=round(word.end + offset, 3))
            for word in words
        )
        confidence = round(sum(word.confidence for word in moved) / len(moved), 3)
        text = polish(join(word.text for word in moved))
        return cls(moved[0].start, moved[-1].end, text, moved, confidence)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one recording.

    `seconds` is the recording's length, `busy_seconds` the CPU time it took, `engine` names the
    recogniser and the model.
    """

    utterances: tuple[Utterance, ...]
    seconds: float
    busy_seconds: float
    engine: str

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all utterances."""
        return tuple(word for utterance in self.utterances for word in utterance.words)

    @property
    def text(self) -> str:
        """The utterances joined; blanks stand only between Latin words. Silence is no text."""
        return join(utterance.text for utterance in self.utterances)

    @property
    def real_time_factor(self) -> float:
        """CPU seconds per second of speech; 0 for an empty recording."""
        return self.busy_seconds / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: text, words, utterances (start, end, text, confidence), seconds,
        real_time_factor, engine."""
        return {
            "text": self.text,
            "words": [asdict(word) for word in self.words],
            "utterances": [
                {"start": one.start, "end": one.end, "text": one.text, "confidence": one.confidence}
                for one in self.utterances
            ],
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
