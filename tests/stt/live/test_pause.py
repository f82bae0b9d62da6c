"""What is said in a pause is never heard, and what comes after it stands at its place."""

import pytest

from stt.live import LivePool
from tests.stt.live.engines import SECONDS, Clock, Script, feed
from tests.stt.live.page import Page


async def test_nothing_said_in_a_pause_is_heard_or_shown(pool: LivePool, clock: Clock) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "ab", clock)
    stream.pause()
    stream.pause()
    feed(stream, "4" * 100, clock)
    stream.resume()
    feed(stream, "xxxcd", clock)  # the end of a pause is not sharp
    outcome = await stream.finish(SECONDS)
    assert "4" not in "".join(page.texts + page.partials)
    assert page.texts[0] == "a b"
    assert page.texts[1].endswith("c d")
    assert outcome.complete
    assert outcome.seconds == pytest.approx(107 * 0.02)


async def test_times_after_a_pause_are_those_of_the_recording(pool: LivePool, clock: Clock) -> None:
    page = Page()
    stream = page.open(pool)
    feed(stream, "a", clock)
    stream.pause()
    feed(stream, "4" * 99, clock)
    stream.resume()
    feed(stream, "\0" * 50 + "b", clock)
    await stream.finish(SECONDS)
    assert [(said.start, said.end) for said in page.said] == [(0.0, 0.02), (3.0, 3.02)]


async def test_card_number_still_on_its_way_when_the_pause_ends_is_not_heard(
    pool: LivePool, clock: Clock
) -> None:
    """A process that was frozen finds in the socket what was said in the pause."""
    page = Page()
    stream = page.open(pool)
    feed(stream, "a", clock)
    stream.pause()
    clock.now += 2.0
    stream.resume()
    feed(stream, "4" * 100)  # two seconds at once
    feed(stream, "\0\0\0\0b", clock)
    await stream.finish(SECONDS)
    assert page.texts == ["a", "b"]


async def test_pause_before_the_first_word_and_until_the_end(
    pool: LivePool, script: Script
) -> None:
    page = Page()
    stream = page.open(pool)
    stream.pause()
    feed(stream, "4" * 10)
    assert (await stream.finish(SECONDS)).complete
    assert page.texts == []
    assert script.opened == []


async def test_resuming_what_is_not_paused_changes_nothing(pool: LivePool) -> None:
    page = Page()
    stream = page.open(pool)
    stream.resume()
    feed(stream, "a")
    await stream.finish(SECONDS)
    assert page.texts == ["a"]
