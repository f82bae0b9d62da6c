"""What the clocks must say, found by walking minute by minute. Imports nothing from the desk.

Slow and simple on purpose: every minute is asked on its own whether it counts. Moments are whole
minutes, counted from an epoch; `None` means never, or not known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ACTIVE = {"accepted", "assigned", "in_progress", "escalated", "reopened"}
WAITING = {"waiting_customer"}
DONE = {"resolved", "closed"}
NEITHER = {"void", "merged"}

# 国务院办公厅关于2026年部分节假日安排的通知: the days off, and the weekend days that are worked.
_OFF = [("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"),
        ("06-19", "06-21"), ("09-25", "09-27"), ("10-01", "10-07")]  # fmt: skip
_WORKED = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def works_2026(day: date) -> bool:
    """Whether a day of 2026 is worked in China; Monday to Friday in other years."""
    if day.year == 2026:
        text = day.isoformat()[5:]
        if text in _WORKED:
            return True
        if any(first <= text <= last for first, last in _OFF):
            return False
    return day.weekday() < 5


@dataclass
class Team:
    """Hours as minutes of the day; an end beyond 1440 lies on the next day."""

    zone: str
    workday: Sequence[tuple[int, int]]
    restday: Sequence[tuple[int, int]]
    dates: Mapping[date, Sequence[tuple[int, int]]]

    def hours(self, day: date) -> Sequence[tuple[int, int]]:
        if day in self.dates:
            return self.dates[day]
        return self.workday if works_2026(day) else self.restday

    def works(self, at: datetime) -> bool:
        """Whether the minute that begins at `at` is worked."""
        local = at.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        yesterday = local.date() - timedelta(days=1)
        return any(start <= minute < end for start, end in self.hours(local.date())) or any(
            minute < end - 1440 for _, end in self.hours(yesterday)
        )


def works_at(team: Team) -> Callable[[int], bool]:
    """Whether a minute since the epoch is worked; remembers the answer."""
    known: dict[int, bool] = {}

    def answer(minute: int) -> bool:
        if minute not in known:
            known[minute] = team.works(datetime.fromtimestamp(minute * 60, UTC))
        return known[minute]

    return answer


@dataclass
class Case:
    """A ticket: minutes at which something changed, in order; the first state opens it."""

    states: Sequence[tuple[int, str]]
    teams: Sequence[tuple[int, str]]
    # hand-overs: when, to whom, the end, whether it was taken, a term of its own
    asked: Sequence[tuple[int, str, int | None, bool, int | None]]
    contacts: Sequence[int]

    def state(self, minute: int) -> str:
        return last_before(self.states, minute)

    def team(self, minute: int) -> str:
        return last_before(self.teams, minute)


@dataclass
class Wanted:
    """A target: what is allowed, and all other thresholds, in minutes of its clock."""

    working: bool
    due: int
    amber: int
    steps: Mapping[str, int]

    def within(self, term: int) -> "Wanted":
        """The same shares of another time, by the wall clock; beyond it stays as far beyond."""
        steps = {"agent": term * 15 // 20, "lead": term}
        steps["supervisor"] = term + self.steps["supervisor"] - self.due
        return Wanted(False, term, term * self.amber // self.due, steps)


@dataclass
class Found:
    """What the walk saw of one cycle. `crossed`: threshold → the minute it was reached."""

    start: int
    end: int | None = None
    state: str = ""
    elapsed: int = 0
    due_at: int | None = None
    amber_at: int | None = None
    steps: Mapping[str, int] | None = None


def last_before(changes: Sequence[tuple[int, str]], minute: int) -> str:
    found = ""
    for at, value in changes:
        if at <= minute:
            found = value
    return found


class Walk:
    """Walks one clock of one cycle, and remembers when each threshold was reached."""

    def __init__(self, case: Case, wanted: Wanted, works: Callable[[str, int], bool]) -> None:
        self.case, self.wanted, self.works = case, wanted, works
        self.elapsed = 0
        self.crossed: dict[int, int] = {}
        self.thresholds = {wanted.due, wanted.amber, *wanted.steps.values()}

    def pass_minute(self, minute: int, team: str) -> None:
        if self.wanted.working and not self.works(team, minute):
            return
        self.elapsed += 1
        if self.elapsed in self.thresholds:
            self.crossed[self.elapsed] = minute + 1

    def tell(self, start: int, end: int | None, kept: bool, until: int) -> Found:
        """What there is to say at `end`, or of a cycle that lasts until `until`."""
        found = Found(start, end, elapsed=self.elapsed)
        state = self.case.state(until - 1 if end is not None else until)
        if end is not None and end == start:
            state = self.case.state(start)
        if state in DONE | NEITHER:
            state = ""
        crossed = dict(self.crossed)
        if state in ACTIVE:
            on = Walk(self.case, self.wanted, self.works)
            on.elapsed, on.crossed = self.elapsed, crossed
            minute = until
            team = self.case.team(until - 1 if end is not None and end > start else until)
            while len(crossed) < len(self.thresholds) and minute < until + 60 * 24 * 60:
                on.pass_minute(minute, team)
                minute += 1
        found.due_at = crossed.get(self.wanted.due)
        found.amber_at = crossed.get(self.wanted.amber)
        if end is None:
            found.state = "paused" if state in WAITING else "running"
        elif found.due_at is not None and found.due_at < end:
            found.state = "breached"
        else:
            found.state = "met" if kept else "stopped"
        found.steps = {
            step: max(crossed[amount], start)
            for step, amount in self.wanted.steps.items()
            if amount in crossed and (end is None or crossed[amount] < end)
        }
        return found


def walk_hand_overs(
    case: Case, wanted: Wanted, works: Callable[[str, int], bool], now: int
) -> list[Found]:
    """The hand-overs that were asked for while there was work to do."""
    found = []
    for asked, team, ended, taken, term in case.asked:
        if case.state(asked) not in ACTIVE | WAITING:
            continue
        theirs = Case(case.states, [(0, team)], [], [])
        work = Walk(theirs, wanted if term is None else wanted.within(term), works)
        end = None
        for minute in range(asked, now + 1):
            state = case.state(minute)
            if minute == ended or state in DONE | NEITHER:
                end = minute
                kept = (taken and minute == ended) or state in DONE
                found.append(work.tell(asked, minute, kept, minute))
                break
            if state in ACTIVE and minute < now:
                work.pass_minute(minute, team)
        if end is None:
            found.append(work.tell(asked, None, False, now))
    return found


def walk(
    case: Case, target: str, wanted: Wanted, works: Callable[[str, int], bool], now: int
) -> list[Found]:
    """The cycles of one target of one ticket, as far as they began by `now`."""
    found = walk_hand_overs(case, wanted, works, now) if target == "hand_over" else []
    contact = max(min(case.contacts), case.states[0][0]) if case.contacts else None
    work = Walk(case, wanted, works)
    start: int | None = None
    was_active = False
    over = target == "hand_over"
    for minute in range(case.states[0][0], now + 1):
        state = case.state(minute)
        active = state in ACTIVE | WAITING
        if not over:
            if active and not was_active:
                start = minute
            if target == "first_response" and minute == contact:
                if start is not None:
                    found.append(work.tell(start, minute, True, minute))
                start, over = None, True
            elif start is not None and not active:
                kept = target == "resolution" and state in DONE
                found.append(work.tell(start, minute, kept, minute))
                start = None
        was_active = active
        if start is not None and state in ACTIVE and minute < now:
            work.pass_minute(minute, case.team(minute))
    if start is not None:
        found.append(work.tell(start, None, False, now))
    if case.state(now) in NEITHER:
        for each in found:
            each.state, each.steps = "stopped", {}
    return found
