"""Vosk: a model that is loaded once and shared, and recognisers on top of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import vosk as vosk_module

from stt.errors import ModelError
from stt.model import at, check
from stt.transcript import UNKNOWN_WORDS, Transcript, Word
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
    def engine(self) -> str:
        """How transcripts name their origin: `vosk/bundled`, `vosk/vosk-model-cn-0.22`."""
        return f"vosk/{'bundled' if at(self.path).bundled else self.path.resolve().name}"

    def recogniser(self, rate: int) -> "Recogniser":
        """A fresh recogniser for one party's speech at `rate` samples a second."""
        return Recogniser(self, rate)


class Recogniser:
    """The words of one stream of speech; not to be used by two threads at once."""

    def __init__(self, model: SpeechModel, rate: int) -> None:
        self._vosk = vosk.KaldiRecognizer(model.handle, rate)
        self._vosk.SetWords(True)

    def accept(self, pcm: bytes) -> list[Word]:
        """Hear PCM16 samples; at the end of an utterance its words, else an empty list."""
        return _words(self._vosk.Result()) if self._vosk.AcceptWaveform(pcm) else []

    def finish(self) -> list[Word]:
        """The words that were not yet given out."""
        return _words(self._vosk.FinalResult())


def recognise(
    model: SpeechModel,
    recording: Recording,
    go_on: Callable[[float], bool] = lambda _: True,
) -> Transcript | None:
    """Transcribe a whole recording in the calling thread; Vosk releases the GIL meanwhile.

    Args:
        model: a loaded model.
        recording: a file from `stt.wav.probe`.
        go_on: called with the seconds heard so far; when it answers False, the work ends and the
            result is None.

    Raises:
        AudioError: the file cannot be read any more.
    """
    started = time.thread_time()
    recogniser = model.recogniser(recording.rate)
    words: list[Word] = []
    heard = 0.0
    for block in recording.blocks(BLOCK_SECONDS):
        if not go_on(heard):
            return None
        words += recogniser.accept(block)
        heard += len(block) / 2 / recording.rate
    words += recogniser.finish()
    busy = time.thread_time() - started
    return Transcript(tuple(words), recording.seconds, busy, model.engine)


def _words(result: str) -> list[Word]:
    found: list[dict[str, Any]] = json.loads(result).get("result", [])
    return [
        Word(word["word"], round(word["start"], 3), round(word["end"], 3), round(word["conf"], 3))
        for word in found
        if word["word"] not in UNKNOWN_WORDS
    ]
