"""A transcript made afterwards says when each word was said, pauses or not."""

from datetime import UTC, datetime, timedelta

import pytest

from ari_app.calls.talk.pauses import PAUSED, RESUMED, Pause, pauses_of, said_at
from desk.timeline import Entry

BEGAN = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def told(seconds: float, kind: str) -> Entry:
    return Entry(1, after(seconds), kind, "c1", None, None, "", {}, hash="")


def pause(start: float, end: float | None) -> Pause:
    return after(start), None if end is None else after(end)


@pytest.mark.parametrize(
    ("pauses", "seconds", "said"),
    [
        ([], 7, 7),
        ([(5, 8)], 4.9, 4.9),
        ([(5, 8)], 5, 8),
        ([(5, 8)], 7, 10),
        ([(5, 8), (10, 20)], 6.9, 9.9),
        ([(5, 8), (10, 20)], 7, 20),
        ([(5, 8), (10, 20)], 9, 22),
        ([(-9, -3)], 2, 2),  # before this party came
        ([(-3, 4)], 0, 4),  # who came in a pause
        ([(5, None)], 4.9, 4.9),
        ([(5, None)], 5.1, 5.1),  # by our clock a moment after the end
    ],
)
def test_what_follows_a_pause_is_as_late_as_it_was_said(
    pauses: list[tuple[float, float | None]], seconds: float, said: float
) -> None:
    at = said_at(BEGAN, seconds, [pause(*one) for one in pauses])
    assert (at - BEGAN).total_seconds() == pytest.approx(said)


@pytest.mark.parametrize(
    ("entries", "pauses"),
    [
        ([], []),
        ([(5, PAUSED), (8, RESUMED), (9, "call.held"), (10, PAUSED)], [(5, 8), (10, None)]),
        ([(5, PAUSED), (6, PAUSED), (8, RESUMED)], [(5, 8)]),
        ([(5, RESUMED), (8, PAUSED), (9, RESUMED), (9.5, RESUMED)], [(8, 9)]),
    ],
)
def test_pauses_are_those_of_the_timeline(
    entries: list[tuple[float, str]], pauses: list[tuple[float, float | None]]
) -> None:
    assert pauses_of(told(*one) for one in entries) == [pause(*one) for one in pauses]
