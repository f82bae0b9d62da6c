"""A customer's score: what anybody who argues about it would hold against us, for any answers."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.surveys import NO_SCORE, Points, ScoreSettings, effect_of, score_of
from desk.surveys.low import Effect
from desk.surveys.settings import LowSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = ScoreSettings()

answers = st.lists(
    st.builds(
        Points,
        survey_id=st.integers(1, 10**6),
        points=st.integers(1, 5),
        channel=st.sampled_from(["key", "link"]),
        at=st.integers(0, 10**8).map(lambda seconds: START + timedelta(seconds=seconds)),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one.survey_id,
)
settings = st.builds(
    ScoreSettings,
    half_life_days=st.floats(0.5, 3650),
    most_answers=st.integers(1, 60),
    weights=st.fixed_dictionaries({"key": st.floats(0.1, 10), "link": st.floats(0.1, 10)}),
)


def test_who_has_not_answered_has_no_score() -> None:
    assert score_of([], SETTINGS).value == NO_SCORE == 0


@given(answers, settings)
def test_a_score_is_between_the_worst_and_the_best_answer(
    given_: list[Points], used: ScoreSettings
) -> None:
    points = [one.points for one in given_]
    assert min(points) <= score_of(given_, used).value <= max(points)


@given(answers, settings)
def test_the_parts_explain_the_score_whole(given_: list[Points], used: ScoreSettings) -> None:
    score = score_of(given_, used)
    assert sum(part.share for part in score.parts) == pytest.approx(1)
    assert sum(part.adds for part in score.parts) == pytest.approx(score.value, abs=0.0051)
    assert len(score.parts) == min(len(given_), used.most_answers)


@given(answers, settings, st.randoms(use_true_random=False), st.integers(-(10**6), 10**6))
def test_neither_the_order_of_reading_nor_the_date_matters(
    given_: list[Points], used: ScoreSettings, random: Random, shift: int
) -> None:
    moved = [
        Points(one.survey_id, one.points, one.channel, one.at + timedelta(minutes=shift))
        for one in given_
    ]
    random.shuffle(moved)
    assert score_of(moved, used).value == pytest.approx(score_of(given_, used).value, abs=0.0101)


@given(answers, settings, st.integers(1, 5))
def test_a_new_answer_moves_the_score_its_own_way(
    given_: list[Points], used: ScoreSettings, points: int
) -> None:
    before = score_of(given_, used.model_copy(update={"most_answers": 100})).value
    newest = Points(10**7, points, "key", max(one.at for one in given_))
    after = score_of([*given_, newest], used.model_copy(update={"most_answers": 100})).value
    if points >= before:
        assert before - 0.0101 <= after <= points
    else:
        assert points <= after <= before + 0.0101


def test_an_answer_one_half_life_older_counts_half() -> None:
    used = ScoreSettings(half_life_days=30)
    old = Points(1, 1, "key", START)
    new = Points(2, 4, "key", START + timedelta(days=30))
    score = score_of([old, new], used)
    assert score.value == 3.0
    assert [part.share for part in score.parts] == pytest.approx([2 / 3, 1 / 3])


def test_a_channel_may_weigh_more() -> None:
    used = ScoreSettings(weights={"key": 1, "link": 3})
    both = [Points(1, 1, "key", START), Points(2, 5, "link", START)]
    assert score_of(both, used).value == 4.0


@given(st.integers(1, 5), st.booleans(), st.integers(0, 10), st.integers(0, 5), st.integers(0, 4))
def test_low_answers_reopen_no_ticket_more_often_than_told(
    points: int, closed: bool, reopenings: int, most: int, at_most: int
) -> None:
    used = LowSettings(at_most=at_most, most_reopenings=most)
    effect = effect_of(points, closed=closed, reopenings=reopenings, settings=used)
    if effect is Effect.REOPENED:
        assert closed
        assert reopenings < most
    assert (effect is Effect.NONE) is (points > at_most)
