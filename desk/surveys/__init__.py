"""Surveys: how satisfied customers are, asked by keys after a talk and by link after a close.

`ask_by_key` and `ask_by_link` ask, within limits; `answer_by_key` and `answer_by_link` take an
answer into timeline, ticket and customer score; `explain` says where a score comes from.
"""

from desk.surveys.answering import POINTS, answer_by_key, answer_by_link
from desk.surveys.asking import SurveyPolicy, ask_by_key, ask_by_link, ask_on_page
from desk.surveys.chores import survey_chores
from desk.surveys.customer_score import explain, rescore
from desk.surveys.low import Effect, effect_of
from desk.surveys.score import NO_SCORE, Part, Points, Score, score_of
from desk.surveys.settings import LowSettings, ScoreSettings, SurveySettings
from desk.surveys.survey import Survey, get, of_ticket, search

__all__ = [
    "NO_SCORE",
    "POINTS",
    "Effect",
    "LowSettings",
    "Part",
    "Points",
    "Score",
    "ScoreSettings",
    "Survey",
    "SurveyPolicy",
    "SurveySettings",
    "answer_by_key",
    "answer_by_link",
    "ask_by_key",
    "ask_by_link",
    "ask_on_page",
    "effect_of",
    "explain",
    "get",
    "of_ticket",
    "rescore",
    "score_of",
    "search",
    "survey_chores",
]
