"""An engine that hangs or breaks costs its recording, not the others and not the line."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from stt import transcriber as module
from stt.errors import RecognitionError, TooLate
from stt.recogniser import SpeechModel
from stt.transcriber import Transcriber
from tests.stt.phrases import COMPLAINT

DEADLINE = 30.0


class Hung:
    """An engine whose calls come back only when the test ends."""

    name = "hung"

    def __init__(self) -> None:
        self.end = threading.Event()

    def open(self, rate: int, hot_words: object = ()) -> NoReturn:
        self.end.wait(DEADLINE)
        raise RuntimeError("over")


@pytest.fixture
def hung() -> Iterator[Hung]:
    engine = Hung()
    yield engine
    engine.end.set()


async def test_stuck_engine_loses_its_recording_but_not_the_queue(
    model: SpeechModel, hung: Hung, complaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.05)
    engines = {"default": model, "hung": hung}
    async with Transcriber(engines, threads=1, queue=5) as transcriber:
        with pytest.raises(TooLate):
            await transcriber.transcribe(complaint, deadline=0.05, engine="hung")
        good = await transcriber.transcribe(complaint, deadline=DEADLINE)
        assert good.text == COMPLAINT
        hung.end.set()


async def test_engine_that_always_hangs_does_not_fill_the_machine_with_threads(
    hung: Hung, complaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.0)
    async with Transcriber({"default": hung}, threads=1, queue=5) as transcriber:
        for _ in range(6):
            with pytest.raises(TooLate):
                await transcriber.transcribe(complaint, deadline=0.02)
        ours = set(threading.enumerate()) - before
        assert sum(one.name.startswith("stt") for one in ours) <= 2
        hung.end.set()


async def test_stuck_engine_does_not_keep_the_line_from_stopping(
    hung: Hung, complaint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    async with asyncio.timeout(DEADLINE):
        async with Transcriber({"default": hung}, threads=1, queue=5) as transcriber:
            with pytest.raises(TooLate):
                await transcriber.transcribe(complaint, deadline=0.02)
        hung.end.set()


async def test_engine_that_breaks_tells_whose_recording_it_was(hung: Hung, complaint: Path) -> None:
    hung.end.set()
    async with Transcriber({"default": hung}, threads=1, queue=5) as transcriber:
        with pytest.raises(RecognitionError, match=r"hung failed \(over\)") as failed:
            await transcriber.transcribe(complaint, deadline=DEADLINE)
    assert failed.value.path == complaint
    assert failed.value.retryable
