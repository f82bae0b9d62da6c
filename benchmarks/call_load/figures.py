"""What is made of the measurements. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .capture import CallTimes

STEPS = (25, 40, 60, 90, 135, 200, 300, 450, 675, 1000)
"""Calls a second that are tried one after the other until a contender fails."""
FINE_ENOUGH = 1.15
"""How far apart, as a ratio, the highest clean and the lowest failing rate may stay."""
MOST_INVITE_OK_MS = 500.0
TALK_SECONDS = (1.8, 4.5)
"""A whole call lasts 1.92 s from 200 to BYE: key at 1.3 s for 0.12 s, second prompt of 0.5 s."""
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
        """Calls that went wrong; with `heard`, also those that never heard the second prompt.

        Without RTP the length of a call tells: too short, and no second prompt was played; too
        long, and the key was lost.
        """
        silent = self.wanted - len(self.digit_prompt_ms) if heard else 0
        shortest, longest = TALK_SECONDS
        talks = [t.talk_seconds for t in self.times if t.talk_seconds is not None]
        whole = sum(shortest <= talk <= longest for talk in talks)
        return max(self.failed, self.wanted - whole, silent)

    def cpu_text(self) -> str:
        """For people: application + Asterisk."""
        app, asterisk = self.app_cpu * 1000 / self.wanted, self.asterisk_cpu * 1000 / self.wanted
        return f"CPU {app:.2f} + {asterisk:.2f} ms"

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
class Climb:
    """The search for the highest clean rate: up the steps to the first failure, then halving."""

    clean: int = 0
    failed: int | None = None
    reason: str = ""

    def next(self) -> int | None:
        """The rate to try now; None when the search is over."""
        if self.failed is None:
            return next((step for step in STEPS if step > self.clean), None)
        if self.clean == 0 or self.failed <= self.clean * FINE_ENOUGH:
            return None
        between = round((self.clean + self.failed) / 10) * 5
        return between if self.clean < between < self.failed else None

    def note(self, rate: int, fault: str) -> None:
        """What came of the try; "" if nothing was wrong."""
        if fault:
            self.failed, self.reason = rate, f"{rate} calls/s: {fault}"
        else:
            self.clean = rate


@dataclass(slots=True)
class Score:
    """Everything that is known of one contender. `climb`: None if its limit was not sought."""

    name: str
    loads: list[Load] = field(default_factory=list)
    climb: Climb | None = None

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
            "max_rate": None if self.climb is None else self.climb.clean,
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
