"""What is made of the measurements. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .capture import CallTimes

LADDER = (25, 50, 75, 100, 125, 150, 175, 200, 250, 300, 350, 400)
"""Calls a second that are tried one after the other until a contender fails."""
MOST_INVITE_OK_MS = 500.0
LEAST_OFFERED = 0.9
"""A step counts only if at least this share of its rate was really offered."""


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of all do not exceed (nearest rank)."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def quantiles(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """The three that are reported, to a hundredth of a millisecond."""
    found = {name: percentile(milliseconds, share) for name, share in _SHARES.items()}
    return {name: None if value is None else round(value, 2) for name, value in found.items()}


_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the callers against one contender gave.

    failed: as SIPp counted; of `wanted` calls. CPU in seconds, from before the first call until
    nothing moves any more.
    """

    rate: int
    wanted: int
    failed: int
    times: Sequence[CallTimes]
    app_cpu: float
    asterisk_cpu: float

    @property
    def invite_ok_ms(self) -> list[float]:
        """INVITE → 200 of each answered call."""
        return [t.invite_ok_ms for t in self.times if t.invite_ok_ms is not None]

    @property
    def digit_prompt_ms(self) -> list[float]:
        """End of the key → second prompt of each call that heard it."""
        return [t.digit_prompt_ms for t in self.times if t.digit_prompt_ms is not None]

    @property
    def offered(self) -> float:
        """Calls a second that really arrived."""
        invites = sorted(t.invited for t in self.times)
        if len(invites) < 2 or invites[-1] == invites[0]:
            return float(len(invites))
        return (len(invites) - 1) / (invites[-1] - invites[0])

    def unserved(self, *, heard: bool) -> int:
        """Calls that went wrong; with `heard`, also those that never heard the second prompt."""
        silent = self.wanted - len(self.digit_prompt_ms) if heard else 0
        unanswered = self.wanted - len(self.invite_ok_ms)
        return max(self.failed, unanswered, silent)

    def fault(self) -> str:
        """Why this rate is too high; "" if it is not."""
        if self.unserved(heard=False):
            return f"{self.unserved(heard=False)} of {self.wanted} calls failed"
        slow = percentile(self.invite_ok_ms, 0.95)
        if slow is not None and slow > MOST_INVITE_OK_MS:
            return f"p95 INVITE to 200 is {slow:.0f} ms"
        if self.offered < LEAST_OFFERED * self.rate:
            return f"only {self.offered:.0f} calls/s were offered"
        return ""


@dataclass(slots=True)
class Score:
    """Everything that is known of one contender. `max_rate`: 0 if even the first step failed."""

    name: str
    loads: list[Load] = field(default_factory=list)
    max_rate: int | None = None
    stopped_by: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row of `--json`."""
        calls = sum(load.wanted for load in self.loads)
        return {
            "name": self.name,
            "app_cpu_ms_per_call": _each(sum(load.app_cpu for load in self.loads), calls),
            "asterisk_cpu_ms_per_call": _each(sum(load.asterisk_cpu for load in self.loads), calls),
            "invite_ok_ms": quantiles([v for load in self.loads for v in load.invite_ok_ms]),
            "digit_prompt_ms": quantiles([v for load in self.loads for v in load.digit_prompt_ms]),
            "failed": sum(load.unserved(heard=True) for load in self.loads),
            "max_rate": self.max_rate,
        }


def _each(seconds: float, calls: int) -> float:
    return round(seconds * 1000 / calls, 3) if calls else 0.0


@dataclass(frozen=True, slots=True)
class Goal:
    """One of the project's goals: a figure, and what it may be."""

    what: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.met else "MISSED"
        return f"{verdict:6} {self.what}: {self.value:.2f} (goal {sign} {self.limit:g})"


def goals(rows: Sequence[dict[str, Any]]) -> list[Goal]:
    """The goals that these rows can tell of; what was not measured is left out."""
    by = {row["name"]: row for row in rows}

    def ratio(one: str, other: str, *path: str) -> float | None:
        above, below = by.get(one), by.get(other)
        for key in path:
            above, below = above and above[key], below and below[key]
        return above / below if above is not None and below else None  # type: ignore[operator]

    cpu, slow, rate = ("app_cpu_ms_per_call",), ("digit_prompt_ms", "p95"), ("max_rate",)
    found = (
        ("client / fastagi, CPU per call", ratio("client", "fastagi", *cpu), 1.0, False),
        ("client / asyncari, CPU per call", ratio("client", "asyncari", *cpu), 0.1, False),
        ("huisheng / client, CPU per call", ratio("huisheng", "client", *cpu), 3.0, False),
        (
            "huisheng / fastagi, p95 digit to prompt",
            ratio("huisheng", "fastagi", *slow),
            2.0,
            False,
        ),
        ("client / dialplan, highest rate", ratio("client", "dialplan", *rate), 0.55, True),
        ("huisheng / dialplan, highest rate", ratio("huisheng", "dialplan", *rate), 0.45, True),
    )
    return [Goal(what, value, limit, up) for what, value, limit, up in found if value is not None]
