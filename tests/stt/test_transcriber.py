"""The queue of recordings: bounded, stoppable, never in the way of calls."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stt import transcriber as module
from stt.errors import AudioError, Busy, ModelError, Stopped, TooLate
from stt.model import BUNDLED
from stt.recogniser import SpeechModel
from stt.transcriber import Transcriber
from stt.transcript import Transcript
from stt.wav import Recording, probe
from tests.stt import wavs
from tests.stt.phrases import COMPLAINT

DEADLINE = 30.0


class Gate:
    """A recogniser that holds each recording until the gate opens or the recording is given up."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.heard: list[Path] = []

    def recognise(
        self,
        model: SpeechModel,
        recording: Recording,
        go_on: Callable[[float], bool],
        **_: object,
    ) -> Transcript | None:
        self.entered.release()
        while not self.open.wait(0.001):
            if not go_on(0.0):
                return None
        self.heard.append(recording.path)
        return Transcript((), recording.seconds, 0.0, model.name)

    async def wait_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.acquire, timeout=DEADLINE)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(module, "recognise", gate.recognise)
    yield gate
    gate.open.set()


before: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _threads_of_others() -> None:
    """A line that other tests share may transcribe at the same time."""
    before.clear()
    before.update(threading.enumerate())


def stt_threads() -> list[str]:
    """Those that do not end by themselves at once."""
    ours = [one for one in set(threading.enumerate()) - before if one.name.startswith("stt")]
    for thread in ours:
        thread.join(1)
    return [thread.name for thread in ours if thread.is_alive()]


async def test_recording_comes_back_as_words(complaint: Path) -> None:
    async with Transcriber(BUNDLED, threads=1, queue=1) as transcriber:
        transcript = await transcriber.transcribe(complaint, deadline=DEADLINE)
        assert transcript.text == COMPLAINT
        assert transcript.engine == "vosk/bundled"
        assert 0 < transcript.real_time_factor < 1
        assert transcriber.waiting == 0
    assert stt_threads() == []


async def test_many_recordings_at_once_do_not_disturb_each_other(complaint: Path) -> None:
    async with Transcriber(BUNDLED, threads=2, queue=20) as transcriber:
        jobs = [transcriber.transcribe(complaint, deadline=DEADLINE) for _ in range(8)]
        transcripts = await asyncio.gather(*jobs)
    assert {transcript.words for transcript in transcripts} == {transcripts[0].words}
    assert transcripts[0].text == COMPLAINT


async def test_full_queue_refuses_at_once_and_takes_again_later(
    gate: Gate, complaint: Path
) -> None:
    async with Transcriber(BUNDLED, threads=1, queue=1) as transcriber:
        jobs = [
            asyncio.create_task(transcriber.transcribe(complaint, deadline=DEADLINE), name=f"t{i}")
            for i in range(2)
        ]
        await gate.wait_entered()
        assert transcriber.waiting == 2
        with pytest.raises(Busy, match="2 recordings are already waiting") as refused:
            await transcriber.transcribe(complaint, deadline=DEADLINE)
        assert refused.value.retryable
        assert refused.value.path == complaint
        gate.open.set()
        await asyncio.gather(*jobs)
        await transcriber.transcribe(complaint, deadline=DEADLINE)


async def test_deadline_frees_the_thread_for_the_next_recording(
    gate: Gate, complaint: Path
) -> None:
    async with Transcriber(BUNDLED, threads=1, queue=1) as transcriber:
        with pytest.raises(TooLate, match=r"not transcribed within 0\.05 s") as late:
            await transcriber.transcribe(complaint, deadline=0.05)
        assert late.value.retryable
        assert transcriber.waiting == 0
        gate.open.set()
        await transcriber.transcribe(complaint, deadline=DEADLINE)


async def test_cancelled_caller_leaves_no_work_behind(gate: Gate, complaint: Path) -> None:
    async with Transcriber(BUNDLED, threads=1, queue=5) as transcriber:
        jobs = [
            asyncio.create_task(transcriber.transcribe(complaint, deadline=DEADLINE), name=f"t{i}")
            for i in range(3)
        ]
        await gate.wait_entered()
        for job in jobs:
            job.cancel()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert transcriber.waiting == 0
    assert gate.heard == []


async def test_closing_tells_everybody_who_waits_and_leaves_no_thread(
    gate: Gate, complaint: Path
) -> None:
    transcriber = Transcriber(BUNDLED, threads=1, queue=5)
    await transcriber.start()
    jobs = [
        asyncio.create_task(transcriber.transcribe(complaint, deadline=DEADLINE), name=f"t{i}")
        for i in range(3)
    ]
    await gate.wait_entered()
    await transcriber.aclose()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(result, Stopped) and result.retryable for result in results)
    assert stt_threads() == []
    await transcriber.aclose()
    with pytest.raises(Stopped):
        await transcriber.transcribe(complaint, deadline=DEADLINE)


async def test_transcriber_may_be_started_again(complaint: Path) -> None:
    transcriber = Transcriber(BUNDLED, threads=1, queue=1)
    for _ in range(2):
        await transcriber.start()
        await transcriber.start()
        assert transcriber.model is not None
        assert (await transcriber.transcribe(complaint, deadline=DEADLINE)).text == COMPLAINT
        await transcriber.aclose()
        assert transcriber.model is None


async def test_broken_recording_harms_only_itself(complaint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    async with Transcriber(BUNDLED, threads=1, queue=5) as transcriber:
        failed, good = await asyncio.gather(
            transcriber.transcribe(broken, deadline=DEADLINE),
            transcriber.transcribe(complaint, deadline=DEADLINE),
            return_exceptions=True,
        )
    assert isinstance(failed, AudioError)
    assert isinstance(good, Transcript)


async def test_missing_model_stops_the_start_and_leaves_no_thread(tmp_path: Path) -> None:
    transcriber = Transcriber(tmp_path / "gone", threads=1, queue=1)
    with pytest.raises(ModelError, match="no such folder"):
        await transcriber.start()
    assert stt_threads() == []


async def test_calls_go_on_while_speech_is_recognised(complaint: Path) -> None:
    """The loop turns many times during one transcript: no caller waits for Vosk."""
    async with Transcriber(BUNDLED, threads=1, queue=1) as transcriber:
        job = asyncio.create_task(transcriber.transcribe(complaint, deadline=DEADLINE), name="t")
        turns = 0
        while not job.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 20


async def test_what_is_needed_soonest_is_transcribed_first(
    gate: Gate, complaint: Path, tmp_path: Path
) -> None:
    """A call that ended a second ago goes before last night's messages."""
    paths = [tmp_path / f"{name}.wav" for name in ("first", "old", "new", "newer")]
    for path in paths:
        path.write_bytes(complaint.read_bytes())
    first, old, new, newer = paths
    async with Transcriber(BUNDLED, threads=1, queue=5) as transcriber:
        jobs = [asyncio.create_task(transcriber.transcribe(first, deadline=DEADLINE), name="first")]
        await gate.wait_entered()
        for path, priority in ((old, 9.0), (newer, 1.5), (new, 1.0)):
            job = transcriber.transcribe(path, deadline=DEADLINE, priority=priority)
            jobs.append(asyncio.create_task(job, name=path.stem))
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(*jobs)
    assert gate.heard == [first, new, newer, old]


async def test_recording_given_up_in_the_queue_makes_way(gate: Gate, complaint: Path) -> None:
    async with Transcriber(BUNDLED, threads=1, queue=5) as transcriber:
        first = asyncio.create_task(
            transcriber.transcribe(complaint, deadline=DEADLINE), name="first"
        )
        await gate.wait_entered()
        with pytest.raises(TooLate):
            await transcriber.transcribe(complaint, deadline=0.01)
        gate.open.set()
        await first
        await transcriber.transcribe(complaint, deadline=DEADLINE)
    assert len(gate.heard) == 2


async def test_recordings_use_only_what_live_speech_leaves(
    model: SpeechModel, complaint: Path, tmp_path: Path
) -> None:
    """At a tenth of the time, nine tenths are rests, which end with the work."""
    rests: list[float] = []

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is not None and threading.current_thread().name.startswith("stt"):
                rests.append(timeout)
            return self.is_set()

    shares = iter([1.0, 0.1, 0.1, *[1.0] * 100])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.threading, "Event", Event)
        async with Transcriber(
            {"default": model}, threads=1, queue=5, share=lambda: next(shares)
        ) as transcriber:
            await transcriber.transcribe(complaint, deadline=DEADLINE)
    assert len(rests) == 2
    assert all(rest > 0 for rest in rests)


async def test_utterances_of_a_recording_are_as_the_recogniser_ended_them(
    model: SpeechModel, complaint: Path, tmp_path: Path
) -> None:
    sound = np.frombuffer(b"".join(probe(complaint).blocks(60)), np.int16)
    twice = wavs.write(tmp_path / "twice.wav", np.concatenate([sound, wavs.silence(2), sound]))
    async with Transcriber(
        {"default": model}, threads=1, queue=1, polish=lambda text: f"<{text}>"
    ) as transcriber:
        transcript = await transcriber.transcribe(twice, deadline=DEADLINE)
    first, second = transcript.utterances
    assert (first.text, second.text) == (f"<{COMPLAINT}>", f"<{COMPLAINT}>")
    assert first.end + 2 < second.start
    assert transcript.words == first.words + second.words
    assert transcript.text == first.text + second.text
