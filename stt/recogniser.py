"""Vosk: a model that is loaded once and shared, and recognisers on top of it."""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import vosk as vosk_module

from stt.engine import Engine, Heard
from stt.errors import ModelError
from stt.model import at, check
from stt.transcript import UNKNOWN_WORDS, Transcript, Utterance, Word
from stt.wav import LOWEST_RATE, Recording

vosk: Any = vosk_module  # has no types

BLOCK_SECONDS = 0.5
"""How much speech is decoded between two looks at whether to go on."""


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A loaded model. It may serve any number of recognisers in any number of threads."""

    path: Path
    handle: Any

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load the model in folder `path`; takes 0.02 s for the bundled one, 10 s for a large one.

        Raises:
            ModelError: the folder is not a model, or Vosk cannot read it.
        """
        check(path)
        vosk.SetLogLevel(-1)
        try:
            handle = vosk.Model(str(path))
            vosk.KaldiRecognizer(handle, LOWEST_RATE)  # a missing graph shows here, not earlier
            return cls(path, handle)
        except Exception as error:  # vosk raises nothing more precise
            raise ModelError(path, "Vosk cannot read it; unpack the model again") from error

    @property
    def name(self) -> str:
        """How transcripts name their origin: `vosk/bundled`, `vosk/vosk-model-cn-0.22`."""
        return f"vosk/{'bundled' if at(self.path).bundled else self.path.resolve().name}"

    def open(self, rate: int, hot_words: Sequence[str] = ()) -> "Recogniser":
        """A fresh recogniser for one party's speech at `rate` samples a second.

        Hot words change nothing here: a grammar would forbid all other words, and Vosk has no
        other way to make a word likelier. They are put right in the text instead (`stt.text`).
        """
        return Recogniser(self, rate)


class Recogniser:
    """The words of one stream of speech; not to be used by two threads at once."""

    def __init__(self, model: SpeechModel, rate: int) -> None:
        self._vosk = vosk.KaldiRecognizer(model.handle, rate)
        self._vosk.SetWords(True)
        self._partial = ("", "")

    def accept(self, pcm: bytes) -> list[Heard]:
        """Hear PCM16 samples; at the end of an utterance its words, else an empty list."""
        return _heard(self._vosk.Result()) if self._vosk.AcceptWaveform(pcm) else []

    def partial(self) -> str:
        """The words so far of the utterance in progress, separated by blanks."""
        result = self._vosk.PartialResult()
        if result != self._partial[0]:  # most often nothing changed: parsed once
            words = json.loads(result).get("partial", "").split()
            self._partial = result, " ".join(word for word in words if word not in UNKNOWN_WORDS)
        return self._partial[1]

    def finish(self) -> list[Heard]:
        """The words that were not yet given out."""
        return _heard(self._vosk.FinalResult())

    def close(self) -> None:
        """Free the decoder; it is not used any more."""
        del self._vosk


def recognise(
    engine: Engine,
    recording: Recording,
    go_on: Callable[[float], bool] = lambda _: True,
    *,
    hot_words: Sequence[str] = (),
    polish: Callable[[str], str] = lambda text: text,
) -> Transcript | None:
    """Transcribe a whole recording in the calling thread; Vosk releases the GIL meanwhile.

    Args:
        engine: a loaded model, or another engine.
        recording: a file from `stt.wav.probe`.
        go_on: called with the seconds heard so far; when it answers False, the work ends and the
            result is None.
        hot_words: words that are likely to be said.
        polish: what makes the text of an utterance ready to be read.

    Raises:
        AudioError: the file cannot be read any more.
    """
    started = time.thread_time()
    heard: list[Heard] = []
    seconds = 0.0
    with contextlib.closing(engine.open(recording.rate, hot_words)) as session:
        for block in recording.blocks(BLOCK_SECONDS):
            if not go_on(seconds):
                return None
            heard += session.accept(block)
            seconds += len(block) / 2 / recording.rate
        heard += session.finish()
    utterances = tuple(Utterance.of(words, polish) for words in heard)
    busy = time.thread_time() - started
    return Transcript(utterances, recording.seconds, busy, engine.name)


def _heard(result: str) -> list[Heard]:
    found: list[dict[str, Any]] = json.loads(result).get("result", [])
    words = tuple(
        Word(word["word"], round(word["start"], 3), round(word["end"], 3), round(word["conf"], 3))
        for word in found
        if word["word"] not in UNKNOWN_WORDS
    )
    return [words] if words else []
