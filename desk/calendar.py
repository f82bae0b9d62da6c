"""Working days of China and opening hours.

The State Council announces each year's holidays and make-up days (调休) in the autumn before; the
package `chinesecalendar` has the years announced so far. A company corrects or completes it by a
CSV file with the columns `date,working|rest`. A year that neither knows falls back to Monday to
Friday and says so by a warning: missing calendar data never stops a call or a clock.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from chinese_calendar import holidays, workdays

DayKind = Literal["working", "rest"]

_MAX_FILE_BYTES = 1_000_000
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_KINDS: dict[str, DayKind] = {"working": "working", "rest": "rest"}
_CLOSED = "closed"
_DAY_MINUTES = 24 * 60


class CalendarFileError(Exception):
    """An override file that is not taken. `str()` is `file:line: what is wrong; the mend`."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line


@dataclass(frozen=True, slots=True)
class NoHolidayData:
    """A year whose holidays and make-up days are not known; Monday to Friday are taken for it."""

    year: int

    def __str__(self) -> str:
        return (
            f"{self.year} 年没有放假调休数据,暂按周一至周五为工作日 / no holidays are known for"
            f" {self.year}, Monday to Friday count as working days; update the package"
            " chinesecalendar or list the days in ivr.calendar_file"
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of one company.

    Attributes:
        overrides: days that the company's file decides.
        tz: the zone in which days begin and opening hours are meant.
        known_through: the last year whose announced holidays count. A time that was reckoned with
            the package of an earlier year can so be reckoned again, whatever is installed now.
    """

    overrides: Mapping[date, DayKind] = field(default_factory=dict)
    tz: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    known_through: int = field(default_factory=lambda: announced_through())

    def is_workday(self, day: date) -> bool:
        """Whether people work on a day; see `warning` for how sure that is."""
        if day.year > self.known_through and day not in self.overrides:
            return day.weekday() < 5
        return is_workday(day, self.overrides)

    def warning(self, day: date) -> NoHolidayData | None:
        """What the operator should know about a day's year; None if all is known."""
        return missing_data(day, self.overrides)

    def today(self, now: datetime) -> date:
        """The day in the calendar's zone at an aware moment."""
        return now.astimezone(self.tz).date()


class Schedule(Protocol):
    """Opening hours as lists of `"HH:MM-HH:MM"` (`24:00` ends a day) or `"closed"`.

    An end that is not after its start lies on the next day: `22:00-06:00`. `dates` go before
    `workday` and `restday`.
    """

    @property
    def workday(self) -> Sequence[str]:
        """Hours of working days."""

    @property
    def restday(self) -> Sequence[str]:
        """Hours of all other days."""

    @property
    def dates(self) -> Mapping[date, Sequence[str]]:
        """Hours of single days."""


def is_workday(day: date, overrides: Mapping[date, DayKind] | None = None) -> bool:
    """Whether people in China work on a day: the override, else the announced holidays and make-up
    days, else Monday to Friday. Never raises for lack of data."""
    if isinstance(day, datetime):
        raise TypeError(
            "a day is a date; a moment has one only in a time zone: calendar.today(now)"
        )
    decided = overrides.get(day) if overrides else None
    if decided is not None:
        return decided == "working"
    return day in workdays or (day.weekday() < 5 and day not in holidays)


def missing_data(
    day: date, overrides: Mapping[date, DayKind] | None = None, known_through: int | None = None
) -> NoHolidayData | None:
    """A warning if neither the package (as of `known_through`) nor the overrides know the holidays
    of the day's year.

    A file counts as knowing a year when it lists both a rest day among Monday to Friday and
    anything else of that year, as every announcement does; one single correction does not.
    """
    if day.year in _announced_years() and (known_through is None or day.year <= known_through):
        return None
    if overrides:
        listed = [other for other in overrides if other.year == day.year]
        if len(listed) > 1 and any(
            overrides[other] == "rest" and other.weekday() < 5 for other in listed
        ):
            return None
    return NoHolidayData(day.year)


def warnings_between(
    first: date,
    last: date,
    overrides: Mapping[date, DayKind] | None = None,
    known_through: int | None = None,
) -> list[NoHolidayData]:
    """One warning per year without data that the days from first to last touch."""
    years = (date(year, 1, 1) for year in range(first.year, last.year + 1))
    return [warning for day in years if (warning := missing_data(day, overrides, known_through))]


def is_open(schedule: Schedule, at: datetime, calendar: Calendar) -> bool:
    """Whether a schedule is open at an aware moment.

    Raises:
        ValueError: `at` is naive, or the schedule is not written as `Schedule` says.
    """
    if at.tzinfo is None:
        raise ValueError("opening hours need an aware time")
    local = at.astimezone(calendar.tz)
    today = local.date()
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in open_minutes(schedule, today, calendar))


def open_minutes(schedule: Schedule, day: date, calendar: Calendar) -> list[tuple[int, int]]:
    """When a schedule is open on a day, as (start, end) in minutes of the wall clock, 0 to 1440,
    in order and apart from each other. The night before counts where it lasts into the day.

    Raises:
        ValueError: the schedule is not written as `Schedule` says.
    """
    spans = [(start, min(end, _DAY_MINUTES)) for start, end in _hours(schedule, day, calendar)]
    if day > date.min:
        night = _hours(schedule, day - timedelta(days=1), calendar)
        spans += [(0, end - _DAY_MINUTES) for _, end in night if end > _DAY_MINUTES]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], end))
        else:
            apart.append((start, end))
    return apart


def announced_through() -> int:
    """The last year whose holidays and make-up days the installed package knows."""
    return max(_announced_years())


def read_overrides(path: Path) -> dict[date, DayKind]:
    """Read a company's own days: CSV `date,working|rest`, dates as 2027-01-01, `#` comments.

    A header line `date,day` (or any first line that begins with `date`) is skipped.

    Raises:
        CalendarFileError: the first line that is wrong.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise CalendarFileError(path, 1, "too large for a calendar; one day per line")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CalendarFileError(path, 1, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CalendarFileError(path, line, "not UTF-8; save the file as UTF-8") from error
    days: dict[date, DayKind] = {}
    for line, row in enumerate(text.splitlines(), start=1):
        fields = [part.strip() for part in next(csv.reader([row.partition("#")[0]]), [])]
        if not any(fields) or (line == 1 and fields[0] == "date"):
            continue
        day, kind = _override(path, line, fields)
        if day in days:
            raise CalendarFileError(path, line, f"{day} stands here twice; remove one")
        days[day] = kind
    return days


def _override(path: Path, line: int, fields: list[str]) -> tuple[date, DayKind]:
    if len(fields) != 2:
        raise CalendarFileError(path, line, "write a date and working or rest: 2027-01-01,rest")
    written, kind = fields
    day = _date(written)
    if day is None:
        raise CalendarFileError(path, line, f"{written!r:.40} is no date; write it like 2027-01-01")
    if kind not in _KINDS:
        raise CalendarFileError(path, line, f"{kind!r:.40} must be working or rest")
    return day, _KINDS[kind]


def _date(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if _DATE.fullmatch(written) else None
    except ValueError:
        return None


def _hours(schedule: Schedule, day: date, calendar: Calendar) -> Iterable[tuple[int, int]]:
    """(start, end) of a day in minutes; an end beyond 24 h lies on the next day."""
    written = schedule.dates.get(day)
    if written is None:
        written = schedule.workday if calendar.is_workday(day) else schedule.restday
    return _minutes(tuple(written))


@lru_cache(maxsize=256)
def _minutes(written: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    spans = []
    for hours in written:
        if hours == _CLOSED:
            continue
        match = _HOURS.fullmatch(hours)
        if match is None:
            raise ValueError(f"{hours!r} are no hours; write 09:00-18:00 or closed")
        start = int(match[1]) * 60 + int(match[2])
        end = _DAY_MINUTES if match[3] is None else int(match[3]) * 60 + int(match[4])
        spans.append((start, end if end > start else end + _DAY_MINUTES))
    return tuple(spans)


@cache
def _announced_years() -> frozenset[int]:
    return frozenset(day.year for day in holidays)
