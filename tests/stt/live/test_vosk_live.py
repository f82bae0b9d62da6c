"""The bundled model hears a party live as well as it hears the recording."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio

from stt.digits import written
from stt.live import LivePool, LiveStream, Utterance
from stt.recipe.spoken import Voice
from stt.recogniser import SpeechModel, recognise
from stt.wav import probe
from tests.stt import wavs
from tests.stt.live.engines import SECONDS, Clock
from tests.stt.phrases import COMPLAINT

KEY = "default"
NUMBER = "我的订单号是三八六零二九七"


@pytest_asyncio.fixture
async def listening(model: SpeechModel, clock: Clock) -> AsyncIterator[LivePool]:
    pool = LivePool({KEY: model}, threads=2, behind_seconds=60, polish=written, clock=clock)
    async with pool:
        yield pool


def pcm(path: Path) -> bytes:
    return b"".join(probe(path).blocks(60))


async def say(stream: LiveStream, sound: bytes, clock: Clock) -> None:
    """As the media socket brings it; the recogniser may keep up."""
    for at in range(0, len(sound), 320):
        clock.now += 0.02
        stream.feed(sound[at : at + 320])
        await asyncio.sleep(0)


async def test_live_words_are_those_of_the_recording(
    listening: LivePool, model: SpeechModel, complaint: Path, clock: Clock
) -> None:
    recorded = recognise(model, probe(complaint))
    assert recorded is not None
    partials: list[str] = []
    stream = listening.open(KEY, wavs.RATE, on_partial=partials.append)
    assert stream is not None
    await say(stream, pcm(complaint), clock)
    outcome = await stream.finish(SECONDS)
    assert [said.text for said in outcome.utterances] == [COMPLAINT]
    (said,) = outcome.utterances
    assert len(said.words) == len(recorded.words)
    for live, later in zip(said.words, recorded.words, strict=True):
        assert (live.text, live.start) == (later.text, later.start)
    assert 0.5 < said.confidence <= 1
    assert COMPLAINT.startswith(partials[0])


async def test_many_parties_at_once_do_not_hear_each_other(
    listening: LivePool, complaint: Path, spoken: Callable[[str, Voice], Path], clock: Clock
) -> None:
    number = spoken(NUMBER, Voice())
    sounds = [pcm(complaint), pcm(number)] * 4
    streams = [listening.open(KEY, wavs.RATE) for _ in sounds]
    heard: list[LiveStream] = [stream for stream in streams if stream is not None]
    await asyncio.gather(*(say(one, pcm, clock) for one, pcm in zip(heard, sounds, strict=True)))
    outcomes = await asyncio.gather(*(stream.finish(SECONDS) for stream in heard))
    texts = ["".join(said.text for said in outcome.utterances) for outcome in outcomes]
    assert texts == [COMPLAINT, "我的订单号是3860297"] * 4


async def test_after_a_pause_words_are_at_their_place_in_the_call(
    listening: LivePool, complaint: Path, clock: Clock
) -> None:
    said: list[Utterance] = []
    stream = listening.open(KEY, wavs.RATE, on_utterance=said.append)
    assert stream is not None
    sound = pcm(complaint)
    await say(stream, sound, clock)
    stream.pause()
    await say(stream, sound, clock)  # not to be heard
    stream.resume()
    await say(stream, bytes(1600) + sound, clock)
    assert (await stream.finish(SECONDS)).complete
    assert [one.text for one in said] == [COMPLAINT, COMPLAINT]
    first, second = said
    late = 2 * len(sound) / 2 / wavs.RATE + 0.1
    assert abs(second.start - first.start - late) < 0.08


async def test_sentence_is_given_out_before_the_party_goes_on(
    listening: LivePool, complaint: Path, clock: Clock
) -> None:
    ended = asyncio.Event()
    stream = listening.open(KEY, wavs.RATE, on_utterance=lambda _: ended.set())
    assert stream is not None
    await say(stream, pcm(complaint) + bytes(2 * wavs.RATE), clock)
    async with asyncio.timeout(SECONDS):
        await ended.wait()
    stream.give_up()
