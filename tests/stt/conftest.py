"""Speech to listen to: espeak-ng over a telephone line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stt.model import BUNDLED
from stt.recipe.spoken import Voice, say
from stt.recogniser import SpeechModel
from tests.stt.phrases import COMPLAINT


@pytest.fixture(scope="session")
def model() -> SpeechModel:
    return SpeechModel.load(BUNDLED)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Voice], Path]:
    """A recording of a text; each is made once."""
    folder = tmp_path_factory.mktemp("speech")
    made: dict[tuple[str, Voice], Path] = {}

    def record(text: str, voice: Voice) -> Path:
        if (text, voice) not in made:
            made[text, voice] = folder / f"{len(made)}.wav"
            say(text, made[text, voice], voice)
        return made[text, voice]

    return record


@pytest.fixture(scope="session")
def complaint(spoken: Callable[[str, Voice], Path]) -> Path:
    """An 8 kHz A-law WAV in which COMPLAINT is spoken."""
    return spoken(COMPLAINT, Voice())
