"""A customer's score: a weighted mean of the recent answers. Pure.

    weight of an answer = weights[channel] · ½ ^ (age ÷ half_life_days)
    score = Σ weight · points ÷ Σ weight, over the newest `most_answers`

Age counts from the newest answer, so a score changes with answers alone, never by itself overnight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from desk.surveys.settings import Channel, ScoreSettings

NO_SCORE = 0.0
"""The score of who has not answered yet."""
DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Points:
    """An answer, as far as the score goes: 1 (worst) to 5."""

    survey_id: int
    points: int
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What an answer adds. `share`: of all weights; `adds`: to the score."""

    answer: Points
    weight: float
    share: float
    adds: float


@dataclass(frozen=True, slots=True)
class Score:
    """A score and where it comes from, the newest answer first. `value` is 0 without answers."""

    value: float
    parts: tuple[Part, ...]


def score_of(answers: Sequence[Points], settings: ScoreSettings) -> Score:
    """The score that these answers make, in whatever order they come."""
    newest = sorted(answers, key=lambda one: (one.at, one.survey_id), reverse=True)
    newest = newest[: settings.most_answers]
    if not newest:
        return Score(NO_SCORE, ())
    half_life = timedelta(days=settings.half_life_days)
    weights = [
        settings.weights.get(one.channel, 1.0) * 0.5 ** ((newest[0].at - one.at) / half_life)
        for one in newest
    ]
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    parts = tuple(
        Part(one, weight, share, share * one.points)
        for one, weight, share in zip(newest, weights, shares, strict=True)
    )
    return Score(round(sum(part.adds for part in parts), DECIMALS), parts)
