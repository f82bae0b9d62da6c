"""When to try again, and when to give up. Pure: time and chance are arguments.

- Unavailable target: the entry is tried again with full-jitter back-off for at least
  `give_up_after_hours`; then it is a dead letter.
- Rejected entry: tried again `REJECTIONS` times, for a receiver may be wrong for a moment; then it
  is a dead letter, so that the entries behind it in its ticket can pass.
- Either way a dead letter is kept and can be replayed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from crm_bridge.outcome import Accepted, Gone, Outcome, Rejected, Unavailable
from crm_bridge.settings import BridgeSettings

REJECTIONS = 5
LEAST_ATTEMPTS = 8
"""No entry is given up for its age before so many attempts: one that was replayed, or that waited
behind another one, is old at its first."""
LONGEST_RETRY_AFTER = 3600.0
_MOST_DOUBLINGS = 60

Draw: TypeAlias = Callable[[], float]
"""A random number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Again:
    """Send the entry again at `at`."""

    at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Give the entry up: a dead letter."""

    error: str


@dataclass(frozen=True, slots=True)
class Done:
    """The target has the entry."""


Decision: TypeAlias = Done | Again | Dead


def backoff(failures: int, settings: BridgeSettings, draw: Draw) -> float:
    """Seconds to wait after the `failures`-th failure in a row (1, 2, …): full jitter, a random
    part of a time that doubles from `retry_first_seconds` to `retry_most_seconds`."""
    doublings = min(max(failures, 1) - 1, _MOST_DOUBLINGS)
    return draw() * min(settings.retry_most_seconds, settings.retry_first_seconds * 2.0**doublings)


def decide(
    outcome: Outcome,
    *,
    attempts: int,
    since: datetime,
    now: datetime,
    settings: BridgeSettings,
    draw: Draw,
) -> Decision:
    """What becomes of an entry.

    attempts: those before this one. since: when the entry happened.
    """
    tried = attempts + 1
    match outcome:
        case Accepted():
            return Done()
        case Rejected(error=error):
            if tried >= REJECTIONS:
                return Dead(error)
            return Again(now + timedelta(seconds=backoff(tried, settings, draw)), error)
        case Gone(error=error):
            return Again(now, error)
        case Unavailable(error=error):
            too_old = now - since >= timedelta(hours=settings.give_up_after_hours)
            if too_old and tried >= LEAST_ATTEMPTS:
                return Dead(error)
            wait = max(backoff(tried, settings, draw), asked(outcome))
            return Again(now + timedelta(seconds=wait), error)


def asked(outcome: Unavailable) -> float:
    """The seconds that a target asks us to stay away, as far as we honour it."""
    return min(max(outcome.retry_after or 0.0, 0.0), LONGEST_RETRY_AFTER)
