"""The arithmetic of service levels: from a history to clocks. Pure; nothing here knows `now`.

A clock says how much of its time had passed at one moment and, running on by itself, when it will
be amber and due. So what is stored stays true until something happens to the ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from desk.sla.book import Book, Editions
from desk.sla.history import History, Mode, Period, Stretch, mode_of, periods
from desk.sla.settings import Target, TargetSettings, share_of

Colour = Literal["green", "amber", "red"]


class ClockState(StrEnum):
    """How a clock stands. A running clock whose due time has passed is overdue already.

    `stopped`: it ended without being kept or missed, as for a ticket that was void.
    """

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Clock:
    """One target of one ticket in one cycle.

    Attributes:
        cycle: 1, then one more with every reopening; of a hand-over, the number of the hand-over.
        edition: of the policies that it was reckoned by.
        kind: `wall` or `working`.
        team: whose calendar counts now, or counted last; `""`: none.
        started_at: when the cycle began.
        elapsed: what had passed by `counted_at`, earlier cycles of the same clock included.
        counted_at: a running clock goes on from here.
        amber_at: when it turned amber, or will if nothing happens; None while it is paused.
        due_at: likewise. For an ended clock, when it would have been due had it gone on.
        ended_at: when the cycle ended.
        steps: (step, when it is due), those that are due by themselves unless something happens.
    """

    target: Target
    cycle: int
    edition: int
    policy: str
    kind: str
    team: str
    state: ClockState
    started_at: datetime
    elapsed: timedelta
    counted_at: datetime
    due: timedelta
    amber_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    steps: tuple[tuple[str, datetime], ...] = ()

    def colour(self, now: datetime) -> Colour:
        """`green`, `amber` or `red`, as of `now` or of its end."""
        at = self.ended_at or now
        if self.due_at is not None and self.due_at < at:
            return "red"
        return "amber" if self.amber_at is not None and self.amber_at <= at else "green"


def elapsed_at(clock: Clock, book: Book, now: datetime) -> timedelta:
    """What has passed of a clock by `now`, if nothing happened since it was counted."""
    if clock.state is not ClockState.RUNNING:
        return clock.elapsed
    if clock.kind == "wall":
        return clock.elapsed + (now - clock.counted_at)
    return clock.elapsed + book.working(clock.team).between(clock.counted_at, now)


@dataclass(frozen=True, slots=True)
class _Run:
    """One cycle before it is measured: `earlier` are the stretches of the cycles before."""

    target: Target
    cycle: int
    start: datetime
    end: datetime | None
    kept: bool
    stretches: tuple[Stretch, ...]
    earlier: tuple[Stretch, ...] = ()
    term: timedelta | None = None  # in place of the policy's time, by the wall clock


def clocks(history: History, editions: Editions) -> list[Clock]:
    """Every clock of a ticket, those that have ended too, by target and cycle.

    A clock that has ended is reckoned by the policies in force at its end and by what was known
    of the ticket then; one that has not, by what holds now.
    """
    work = periods(history)
    voided = mode_of(history.state) is Mode.NEITHER
    runs = [*_first_response(history, work), *_resolution(work), *_hand_over(history, work)]
    found = []
    for run in runs:
        book = editions.at(run.end)
        policy = book.policy(history.facts_at(run.end))
        target = policy.targets.get(run.target)
        if target is not None:
            found.append(_measured(run, book, policy.name, target, voided))
    return found


def _resolution(work: Sequence[Period]) -> list[_Run]:
    runs = []
    earlier: tuple[Stretch, ...] = ()
    for cycle, period in enumerate(work, start=1):
        kept = period.ended_by is Mode.DONE
        runs.append(
            _Run(
                Target.RESOLUTION, cycle, period.start, period.end, kept, period.stretches, earlier
            )
        )
        earlier += period.stretches
    return runs


def _first_response(history: History, work: Sequence[Period]) -> list[_Run]:
    """Ends with the first contact. A case solved without one has no time of response to keep, but
    goes on with it when it is reopened."""
    contact = max(min(history.contacts), history.opened) if history.contacts else None
    runs = []
    for run in _resolution(work):
        if contact is not None and run.start > contact:
            break
        answered = contact is not None and (run.end is None or contact <= run.end)
        end = contact if answered else run.end
        cut = _cut(run.stretches, run.start, end)
        runs.append(
            _Run(Target.FIRST_RESPONSE, run.cycle, run.start, end, answered, cut, run.earlier)
        )
        if answered:
            break
    return runs


def _hand_over(history: History, work: Sequence[Period]) -> list[_Run]:
    """Each hand-over of a ticket that is open for work; kept when the other team takes it, or the
    case is solved meanwhile."""
    runs: list[_Run] = []
    for one in history.hand_overs:
        period = next(
            (p for p in work if p.start <= one.at and (p.end is None or one.at < p.end)), None
        )
        if period is None:
            continue
        end = min((at for at in (one.ended_at, period.end) if at is not None), default=None)
        taken = one.taken and end == one.ended_at
        solved = period.ended_by is Mode.DONE and end == period.end  # which withdraws it
        cut = _cut(period.stretches, one.at, end)
        theirs = tuple(replace(stretch, team=one.team) for stretch in cut)
        runs.append(
            _Run(
                Target.HAND_OVER, len(runs) + 1, one.at, end, taken or solved, theirs, term=one.term
            )
        )
    return runs


def _cut(
    stretches: Sequence[Stretch], start: datetime, end: datetime | None
) -> tuple[Stretch, ...]:
    """What of the stretches lies between two moments."""
    found = []
    for each in stretches:
        begins = max(each.start, start)
        ends = each.end if end is None else min(each.end or end, end)
        if ends is None or begins < ends or begins == ends == start:
            found.append(Stretch(begins, ends, each.mode, each.team))
    return tuple(found)


def _measured(run: _Run, book: Book, policy: str, target: TargetSettings, voided: bool) -> Clock:
    kind = target.clock if run.term is None else "wall"
    due = target.due if run.term is None else run.term
    meter = _Meter(run, book, kind)
    last = run.stretches[-1]
    due_at = meter.crossing(due)
    if run.end is None:
        state = ClockState.RUNNING if last.mode is Mode.RUNNING else ClockState.PAUSED
    elif due_at is not None and due_at < run.end:
        state = ClockState.BREACHED
    else:
        state = ClockState.MET if run.kept else ClockState.STOPPED
    if voided:
        state = ClockState.STOPPED
    steps = []
    for step in target.steps if not voided else ():
        at = meter.crossing(step.threshold(due))
        if at is not None and (run.end is None or at < run.end):
            steps.append((str(step.to), max(at, run.start)))
    return Clock(
        target=run.target,
        cycle=run.cycle,
        edition=book.edition,
        policy=policy,
        kind=kind,
        team=last.team,
        state=state,
        started_at=run.start,
        elapsed=meter.elapsed,
        counted_at=run.end or last.start,
        due=due,
        amber_at=meter.crossing(share_of(due, target.amber)),
        due_at=due_at,
        ended_at=run.end,
        steps=tuple(steps),
    )


class _Meter:
    """Adds up the running stretches of a run by one clock."""

    def __init__(self, run: _Run, book: Book, clock: str) -> None:
        self._book, self._working = book, clock == "working"
        self._closed: list[tuple[Stretch, timedelta, timedelta]] = []  # with the sum before each
        self.elapsed = timedelta()
        running = [each for each in (*run.earlier, *run.stretches) if each.mode is Mode.RUNNING]
        for each in running:
            if each.end is not None:
                passed = self._passed(each, each.end)
                self._closed.append((each, self.elapsed, passed))
                self.elapsed += passed
        last = run.stretches[-1]
        self._open = last if last.mode is Mode.RUNNING else None

    def crossing(self, amount: timedelta) -> datetime | None:
        """When `amount` had passed, or will have if the last stretch goes on for ever."""
        for stretch, before, passed in self._closed:
            if before + passed >= amount:
                return self._advance(stretch, amount - before)
        if self._open is None:
            return None
        start = self._open.end or self._open.start
        return self._advance(self._open, amount - self.elapsed, start)

    def _passed(self, stretch: Stretch, end: datetime) -> timedelta:
        if not self._working:
            return end - stretch.start
        return self._book.working(stretch.team).between(stretch.start, end)

    def _advance(
        self, stretch: Stretch, amount: timedelta, start: datetime | None = None
    ) -> datetime | None:
        start = start or stretch.start
        if not self._working:
            return start + amount
        return self._book.working(stretch.team).advance(start, amount)
