"""Working time of one team, between moments that are UTC.

Hours are meant on the team's wall clock, moments are not: where clocks are put forward or back, a
shift from 22:00 to 06:00 is an hour shorter or longer, and so counts what people really worked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from desk.calendar import Calendar, Schedule, open_minutes

Span = tuple[datetime, datetime]

MOST_DAYS = 3660
"""How far ahead `advance` looks: a calendar that is closed for so long never opens."""

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_MOST_OFFSET = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """The hours of a team by its calendar."""

    schedule: Schedule
    calendar: Calendar
    _days: dict[date, tuple[Span, ...]] = field(default_factory=dict, compare=False, repr=False)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two aware moments; none if `end` is not later."""
        return sum(
            (min(last, end) - max(first, start) for first, last in self._spans(start, end)),
            timedelta(),
        )

    def advance(self, start: datetime, amount: timedelta) -> datetime | None:
        """The first moment by which `amount` of working time has passed since `start`.

        None: it does not pass within `MOST_DAYS`.
        """
        if amount <= timedelta():
            return start
        for first, last in self._spans(start, None):
            there = max(first, start)
            if last - there >= amount:
                return there + amount
            amount -= last - there
        return None

    def day(self, day: date) -> tuple[Span, ...]:
        """The working spans of a day of the team, as UTC moments in order."""
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= MOST_DAYS:
                self._days.clear()
            known = self._days[day] = tuple(self._reckon(day))
        return known

    def _spans(self, start: datetime, end: datetime | None) -> Iterator[Span]:
        """Spans that end after `start` and begin before `end`, in order."""
        day = self.calendar.today(start)
        last = min(day, date.max - _DAY * MOST_DAYS) + _DAY * MOST_DAYS
        if end is not None:
            last = self.calendar.today(end)
        while day <= last:
            for span in self.day(day):
                if span[1] > start and (end is None or span[0] < end):
                    yield span
            day += _DAY

    def _reckon(self, day: date) -> Iterator[Span]:
        hours = open_minutes(self.schedule, day, self.calendar)
        if not hours:
            return
        midnight = datetime.combine(day, time(), UTC)
        for first, last, offset in self._pieces(midnight - _MOST_OFFSET, midnight + 2 * _DAY):
            for start, end in hours:
                # The wall clock less its offset is UTC, as long as the offset stays the same.
                begins = max(midnight + timedelta(minutes=start) - offset, first)
                ends = min(midnight + timedelta(minutes=end) - offset, last)
                if begins < ends:
                    yield begins, ends

    def _pieces(
        self, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime, timedelta]]:
        """Stretches of constant offset from UTC."""
        offset = self._offset(start)
        if self._offset(end) == offset:
            yield start, end, offset
            return
        here = start
        while here < end:
            there = min(here + _HOUR, end)
            if self._offset(there) != offset:
                change = self._change(here, there)
                yield start, change, offset
                start, offset = change, self._offset(change)
            here = there
        yield start, end, offset

    def _change(self, before: datetime, after: datetime) -> datetime:
        """The second at which the offset changes between two moments."""
        old = self._offset(before)
        while after - before > _SECOND:
            middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
            if self._offset(middle) == old:
                before = middle
            else:
                after = middle
        return after

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self.calendar.tz).utcoffset() or timedelta()
