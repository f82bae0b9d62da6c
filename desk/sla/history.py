"""What the clocks of a ticket are reckoned from: its history, and nothing else.

Everything is a moment at which something changed. Moments of one list are in order; equal ones
follow each other as they happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType


class Mode(Enum):
    """What a ticket's state means to its clocks."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    NEITHER = "neither"


MODES: Mapping[str, Mode] = MappingProxyType(
    {
        "accepted": Mode.RUNNING,
        "assigned": Mode.RUNNING,
        "in_progress": Mode.RUNNING,
        "escalated": Mode.RUNNING,
        "reopened": Mode.RUNNING,
        "waiting_customer": Mode.PAUSED,
        "resolved": Mode.DONE,
        "closed": Mode.DONE,
        "void": Mode.NEITHER,
        "merged": Mode.NEITHER,
    }
)
FINAL = ("closed", "void", "merged")
"""States of tickets that are no longer open."""


def mode_of(state: str) -> Mode:
    """A state that is not known here lets the clocks run: a clock never stops by mistake."""
    return MODES.get(state, Mode.RUNNING)


@dataclass(frozen=True, slots=True)
class Facts:
    """What policies ask of a ticket. `level` 0: none was given yet. `policy`: the one that a
    routing rule named; `""`: none did."""

    area_code: str = ""
    province: str = ""
    customer_level: str = ""
    level: int = 0
    type: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A team was asked to take the ticket over from another one.

    Attributes:
        team: the one that was asked, whose hours count.
        ended_at: when it was taken, refused or withdrawn; None while it is open.
        taken: whether it was taken.
        term: how long whoever asked gave them, by the wall clock; None: the policy says.
    """

    at: datetime
    team: str
    ended_at: datetime | None = None
    taken: bool = False
    term: timedelta | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A ticket's past.

    Attributes:
        states: (from when, state); the first is its opening. Never empty.
        teams: (from when, team that has it); before the first it belongs to no team.
        contacts: when a person, not a machine, reached the customer: the live answer of a call
            (which may be before the opening), a call or a message by hand. Automatic messages
            are none.
        facts: (from when, what policies ask). The first also holds for all before.
        erased: part of it was erased: what has ended cannot be reckoned again.
    """

    states: tuple[tuple[datetime, str], ...]
    teams: tuple[tuple[datetime, str], ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    contacts: tuple[datetime, ...] = ()
    facts: tuple[tuple[datetime, Facts], ...] = ()
    erased: bool = False

    @property
    def opened(self) -> datetime:
        """When the ticket was opened."""
        return self.states[0][0]

    @property
    def state(self) -> str:
        """The present state."""
        return self.states[-1][1]

    def facts_at(self, at: datetime | None) -> Facts:
        """What held at a moment; without one, what holds now."""
        found = self.facts[0][1] if self.facts else Facts()
        for since, facts in self.facts:
            if at is None or since <= at:
                found = facts
        return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in one state and with one team. `end` None: it lasts."""

    start: datetime
    end: datetime | None
    mode: Mode
    team: str


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which a ticket was open for work, between opening or reopening and an end.

    Attributes:
        end: None while it lasts.
        ended_by: DONE or NEITHER, once it has ended.
        stretches: of RUNNING and PAUSED, one after the other.
    """

    start: datetime
    end: datetime | None
    ended_by: Mode | None
    stretches: tuple[Stretch, ...]


def periods(history: History) -> list[Period]:
    """The periods of work. Each is one cycle of the clock of resolution."""
    found: list[Period] = []
    work: list[Stretch] = []
    for stretch in _stretches(history):
        if stretch.mode in (Mode.RUNNING, Mode.PAUSED):
            work.append(stretch)
        elif work:
            found.append(Period(work[0].start, stretch.start, stretch.mode, tuple(work)))
            work = []
    if work:
        found.append(Period(work[0].start, None, None, tuple(work)))
    return found


def _stretches(history: History) -> list[Stretch]:
    """The history cut where the state or the team changes."""
    found: list[Stretch] = []
    for place, (start, state) in enumerate(history.states):
        end = history.states[place + 1][0] if place + 1 < len(history.states) else None
        cuts = [at for at, _ in history.teams if start < at and (end is None or at < end)]
        for begins, ends in zip([start, *cuts], [*cuts, end], strict=True):
            found.append(Stretch(begins, ends, mode_of(state), _team(history, begins)))
    return found


def _team(history: History, at: datetime) -> str:
    team = ""
    for since, name in history.teams:
        if since <= at:
            team = name
    return team
