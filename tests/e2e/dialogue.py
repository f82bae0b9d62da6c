"""Talks of callers with agents, and how well they were understood."""

from collections.abc import Sequence

from ari_app.sip_caller import Press, Step, Wait
from ari_app.sip_caller.dialogue import AGENT, CALLER, GAP_SECONDS, Turn, steps_of
from stt.digits import written
from stt.evaluate import distance, normalised

__all__ = [
    "AGENT",
    "CALLER",
    "GAP_SECONDS",
    "Turn",
    "caller_steps",
    "error_rate",
    "said_by",
    "steps_of",
]

REACHED_SECONDS = 1.8  # from the last key to the agent's answer: two short prompts and a ring


def caller_steps(extension: str, turns: Sequence[Turn]) -> list[Step]:
    """The caller's side from the beginning of the call."""
    return [Wait(0.3), Press(extension), Wait(REACHED_SECONDS), *steps_of(turns, CALLER)]


def said_by(turns: Sequence[Turn], who: str) -> str:
    """Everything that one of them says."""
    return "".join(turn.text for turn in turns if turn.who == who)


def error_rate(said: str, heard: str) -> float:
    """Wrong, missing and added characters per spoken character; digits as they are written."""
    said, heard = normalised(written(said)), normalised(heard)
    return distance(said, heard) / len(said)
