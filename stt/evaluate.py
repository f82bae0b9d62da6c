"""How well a model listens: character error rate over recordings with known texts."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stt.errors import SpeechError
from stt.recogniser import SpeechModel, recognise
from stt.wav import probe

INDEX = "transcripts.txt"
"""May hold lines `name.wav text` instead of one .txt file per recording."""


class EvaluationError(SpeechError):
    """The folder has no recordings with texts; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One recording: what was spoken, what was heard, both normalised, and how far apart."""

    path: Path
    spoken: str
    heard: str
    errors: int
    seconds: float
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All recordings of a folder."""

    judged: tuple[Judged, ...]

    @property
    def cer(self) -> float:
        """Wrong, missing and added characters per spoken character."""
        spoken = sum(len(one.spoken) for one in self.judged)
        return sum(one.errors for one in self.judged) / spoken if spoken else 0.0

    @property
    def rtf(self) -> float:
        """CPU seconds per second of speech."""
        seconds = sum(one.seconds for one in self.judged)
        return sum(one.busy_seconds for one in self.judged) / seconds if seconds else 0.0

    def as_dict(self) -> dict[str, float | int]:
        """`{"cer": …, "files": …, "rtf": …}`."""
        return {"cer": round(self.cer, 4), "files": len(self.judged), "rtf": round(self.rtf, 4)}


def pairs(folder: Path) -> list[tuple[Path, str]]:
    """Each *.wav of `folder` with the text that was spoken, by name.

    Raises:
        EvaluationError: there is none, or a recording has no text.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder; give one with *.wav and *.txt")
    recordings = sorted(folder.glob("*.wav"))
    if not recordings:
        raise EvaluationError(f"{folder}: holds no *.wav; put recordings and their *.txt there")
    index = _index(folder / INDEX)
    found = []
    for wav in recordings:
        text = wav.with_suffix(".txt")
        if text.is_file():
            found.append((wav, _read(text)))
        elif wav.name in index:
            found.append((wav, index[wav.name]))
        else:
            raise EvaluationError(f"{wav}: no text; write what is said into {text.name} beside it")
    return found


def evaluate(
    model: SpeechModel,
    spoken: Sequence[tuple[Path, str]],
    report: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Transcribe each recording of `spoken` and compare; `report` gets the number done.

    Raises:
        AudioError: a recording cannot be read.
    """
    judged = []
    for path, text in spoken:
        transcript = recognise(model, probe(path))
        if transcript is None:  # nobody asked it to stop
            continue
        said, heard = normalised(text), normalised(transcript.text)
        errors = distance(said, heard)
        busy = transcript.busy_seconds
        judged.append(Judged(path, said, heard, errors, transcript.seconds, busy))
        report(len(judged))
    return Evaluation(tuple(judged))


def normalised(text: str) -> str:
    """`text` without blanks and punctuation; full-width and upper-case letters made plain."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] not in "PZSC")


def distance(spoken: str, heard: str) -> int:
    """Levenshtein distance: fewest characters to change, drop or add."""
    above = list(range(len(heard) + 1))
    for i, said in enumerate(spoken, 1):
        row = [i]
        for j, got in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (said != got)))
        above = row
    return above[-1]


def _index(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.partition(" ") for line in _read(path).splitlines())
    return {name: text for name, _, text in lines}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text; save it as UTF-8") from error
