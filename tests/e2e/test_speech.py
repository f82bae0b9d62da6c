"""What callers say after the tone stands in their tickets, character by character."""

import shutil
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path

import pytest
import pytest_asyncio

from ari_app.sip_caller import ExpectBye, Play, Press, Wait
from stt.digits import written
from stt.evaluate import distance, evaluate, normalised, pairs
from stt.model import BUNDLED
from stt.recipe.measure import HELD_OUT
from stt.recipe.spoken import Voice, say
from stt.recogniser import SpeechModel
from tests.e2e.line_rig import OPEN_HOURS, Story, TestLine, Visit, beijing, tianjin

pytestmark = pytest.mark.asterisk

MOST_ERRORS = 0.1
VOICES = (Voice(), Voice("f2", 162, 66), Voice("m3", 192, 45), Voice("", 162, 45))
EVERY = 4  # of the sentences that the model never saw
_A_LAW_DATA = b"data"


def _sentences() -> list[str]:
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")][::EVERY]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(
    shared_line: TestLine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Story]]:
    """Each sentence told by a caller of its own, by turns in several voices."""
    folder = tmp_path_factory.mktemp("speech")
    shared_line.clock.set(OPEN_HOURS)
    visits = {}
    for number, (text, voice) in enumerate(zip(_sentences(), cycle(VOICES), strict=False)):
        sound = _spoken(folder / f"{number}.wav", text, voice)
        steps = (Wait(0.7), Press("1"), Wait(2.2), Play(sound), Press("#"), ExpectBye(30))
        visits[text] = Visit(beijing() if number % 2 else tianjin(), steps)
    yield await shared_line.visits(visits)
    await shared_line.quiet()


def _spoken(wav: Path, text: str, voice: Voice) -> Path:
    """What a voice says, as headerless A-law."""
    say(text, wav, voice)
    content = wav.read_bytes()
    sound = wav.with_suffix(".alaw")
    sound.write_bytes(content[content.index(_A_LAW_DATA) + 8 :])
    return sound


def test_fewer_than_a_tenth_of_the_characters_are_wrong_in_the_tickets(
    told: dict[str, Story],
) -> None:
    errors = spoken = 0
    for text, story in told.items():
        assert story.ticket is not None
        errors += distance(normalised(text), normalised(story.ticket.description))
        spoken += len(normalised(text))
    assert len(told) >= 10
    assert errors / spoken < MOST_ERRORS


def test_recordings_that_the_line_keeps_are_as_good(told: dict[str, Story], tmp_path: Path) -> None:
    """Evaluated as an operator would: a folder of recordings and what was said in them."""
    for number, (text, story) in enumerate(told.items()):
        (recording,) = story.recordings
        shutil.copy(recording.path, tmp_path / f"{number}.wav")
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
    assert evaluate(SpeechModel.load(BUNDLED), pairs(tmp_path)).cer < MOST_ERRORS


def test_words_carry_the_times_at_which_they_were_said(told: dict[str, Story]) -> None:
    for story in told.values():
        assert story.transcript is not None
        words = story.transcript.words
        assert written("".join(word["text"] for word in words)) == story.transcript.text
        times = [time for word in words for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert times[-1] <= story.recordings[0].seconds
