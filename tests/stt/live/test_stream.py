"""What a party says appears as it is said, whole, once, at the right second; what is said in a
pause never does."""

import asyncio
import threading

import pytest

from stt.live import LivePool, Outcome, Why
from tests.stt.live.conftest import KEY
from tests.stt.live.engines import SECONDS, Clock, Script, feed
from tests.stt.live.page import Page


async def test_words_appear_while_they_are_said_and_end_as_utterances(
    pool: LivePool, clock: Clock
) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a", clock)
    await page.shows("a")
    feed(stream, "b", clock)
    await page.shows("a b")
    feed(stream, " c", clock)
    outcome = await stream.finish(SECONDS)
    assert page.texts == ["a b", "c"]
    assert outcome == Outcome(True, Why.NOTHING, 0.08, tuple(page.said))
    first, second = page.said
    assert (first.start, first.end, first.confidence) == (0.0, 0.04, 0.5)
    assert (second.start, second.end) == (0.06, 0.08)


async def test_listener_is_called_in_the_event_loop(pool: LivePool) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a")
    await stream.finish(SECONDS)
    assert page.threads == {threading.current_thread().name}


async def test_page_is_told_only_when_words_change(pool: LivePool, script: Script) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a")
    await page.shows("a")
    for _ in range(40):
        feed(stream, "\0")
        await asyncio.to_thread(script.wait_entered)
    await stream.finish(SECONDS)
    assert page.partials == ["a"]


async def test_noise_that_came_to_nothing_leaves_the_page(pool: LivePool, script: Script) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a")
    await page.shows("a")
    script.opened[0].forget()
    feed(stream, "\0")
    await page.shows("")
    await stream.finish(SECONDS)
    assert page.said == []


async def test_speech_that_waited_is_heard_in_one_piece(pool: LivePool, script: Script) -> None:
    """A party that fell behind is caught up with at the least cost, a turn at a time."""
    script.may.clear()
    stream = Page().open(pool)
    feed(stream, "a")
    await asyncio.to_thread(script.wait_entered)
    feed(stream, "b" * 25)
    assert stream.waiting == 0.5
    script.may.set()
    assert (await stream.finish(SECONDS)).complete
    assert script.opened[0].calls == [320, 3200, 3200, 1600]


async def test_party_far_behind_is_caught_up_with_in_longer_pieces(script: Script) -> None:
    """Where cores are short, short pieces would never catch up."""
    async with LivePool({KEY: script}, threads=1) as pool:
        script.may.clear()
        stream = Page().open(pool)
        feed(stream, "a" * 121)
        script.may.set()
        assert (await stream.finish(SECONDS)).complete
    assert sum(script.opened[-1].calls) == 121 * 320
    assert 16_000 in script.opened[-1].calls


async def test_party_that_fell_behind_does_not_hold_up_the_others(
    pool: LivePool, script: Script
) -> None:
    script.may.clear()
    late, prompt = Page().open(pool), Page().open(pool)
    feed(late, "a")
    await asyncio.to_thread(script.wait_entered)
    feed(late, "b" * 45)
    feed(prompt, "c")
    script.may.set()
    await asyncio.gather(late.finish(SECONDS), prompt.finish(SECONDS))
    assert script.order[:3] == ["a", "c", "b"]


async def test_stream_too_far_behind_gives_up_and_costs_nothing_more(
    pool: LivePool, script: Script
) -> None:
    script.may.clear()
    page = Page()
    stream = page.open(pool)
    feed(stream, "a")
    await asyncio.to_thread(script.wait_entered)
    feed(stream, "b" * 50)
    assert not stream.behind
    feed(stream, "b")
    assert stream.behind
    assert stream.waiting == 0
    assert page.gave_up == [Why.BEHIND]
    feed(stream, "b" * 500)
    assert stream.waiting == 0
    assert pool.streams == 0
    script.may.set()
    outcome = await stream.finish(SECONDS)
    assert outcome == Outcome(False, Why.BEHIND, 11.04, ())
    await free(pool)
    assert script.opened[0].closed


async def free(pool: LivePool) -> None:
    """Until the thread has done what was given to it."""
    stream = Page().open(pool)
    assert (await stream.finish(SECONDS)).complete


async def test_broken_engine_ends_only_its_stream_and_tells(pool: LivePool, script: Script) -> None:
    def fail(where: str) -> None:
        if where == "accept":
            raise RuntimeError("out of memory")

    page = Page()
    stream = page.open(pool)
    script.fails = fail
    feed(stream, "ab")
    outcome = await stream.finish(SECONDS)
    assert (outcome.complete, outcome.why) == (False, Why.ENGINE)
    assert page.gave_up == [Why.ENGINE]


@pytest.mark.parametrize("where", ["finish", "open", "close"])
async def test_engine_that_fails_at_the_edges_never_raises_into_a_call(
    pool: LivePool, script: Script, clock: Clock, where: str
) -> None:
    def fail(at: str) -> None:
        if at == where:
            raise RuntimeError(where)

    script.fails = fail
    stream = Page().open(pool)
    feed(stream, "a")
    outcome = await stream.finish(SECONDS)
    assert outcome.complete == (where == "close")
    script.fails = lambda _: None
    clock.now += 60
    again = Page().open(pool)
    feed(again, "b")
    assert (await again.finish(SECONDS)).complete


async def test_last_words_are_waited_for_no_longer_than_asked(
    pool: LivePool, script: Script
) -> None:
    script.may.clear()
    stream = Page().open(pool)
    feed(stream, "a")
    outcome = await stream.finish(0.01)
    assert (outcome.complete, outcome.why) == (False, Why.LATE)
    assert await stream.finish(0.01) == outcome
    script.may.set()


async def test_ending_twice_gives_the_same_outcome(pool: LivePool) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a")
    first, second = await asyncio.gather(stream.finish(SECONDS), stream.finish(SECONDS))
    assert first == second
    feed(stream, "b")
    assert await stream.finish(SECONDS) == Outcome(True, Why.NOTHING, 0.04, first.utterances)
    assert page.texts == ["a"]


async def test_utterances_are_polished_and_hot_words_reach_the_engine(script: Script) -> None:
    page = Page()
    async with LivePool(
        {KEY: script}, threads=1, hot_words=("滨海",), polish=lambda text: text.upper()
    ) as pool:
        stream = page.open(pool)
        feed(stream, "a")
        outcome = await stream.finish(SECONDS)
    assert page.texts == ["A"]
    assert [word.text for word in outcome.utterances[0].words] == ["a"]
    assert script.opened[-1].hot_words == ("滨海",)


async def test_fault_of_the_polish_leaves_the_words_as_they_are(script: Script) -> None:
    def broken(_: str) -> str:
        raise ValueError("lexicon")

    page = Page()
    async with LivePool({KEY: script}, threads=1, polish=broken) as pool:
        stream = page.open(pool)
        feed(stream, "a")
        assert (await stream.finish(SECONDS)).complete
    assert page.texts == ["a"]


async def test_one_party_is_never_in_two_threads_at_once(script: Script) -> None:
    """Vosk's recognisers break if they are."""
    async with LivePool({KEY: script}, threads=4, behind_seconds=10) as pool:
        stream = Page().open(pool)
        for _ in range(300):
            feed(stream, "a")
            await asyncio.sleep(0)
        outcome = await stream.finish(SECONDS)
    assert outcome.complete
    assert len(outcome.utterances[0].words) == 300
