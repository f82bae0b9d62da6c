"""A book of service levels: policies and calendars as they were in force together.

Each edition is kept as data in the database, so that a clock which has ended can be reckoned again
as it was. An edition names the last year whose holidays it knew: a later package changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from desk.calendar import (
    Calendar,
    NoHolidayData,
    announced_through,
    read_overrides,
    warnings_between,
)
from desk.sla.history import Facts
from desk.sla.settings import DEFAULT, HoursSettings, PolicySettings, SlaSettings
from desk.sla.working import WorkingTime
from desk.text import canonical

AHEAD = timedelta(days=61)
"""The State Council has announced a year's holidays so long before it."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CalendarData(_Data):
    """A team's calendar with everything it depends on."""

    timezone: str
    hours: HoursSettings
    overrides: dict[date, Literal["working", "rest"]] = {}


class BookData(_Data):
    """What an edition consists of, as it is stored."""

    policies: list[PolicySettings] = Field(min_length=1)
    calendars: dict[str, CalendarData]
    known_through: int


@dataclass(frozen=True, slots=True)
class Book:
    """An edition, ready to be asked.

    Attributes:
        edition: its number; 0 while it is not in force.
    """

    edition: int
    data: BookData
    _working: Mapping[str, WorkingTime] = field(compare=False, repr=False)

    @classmethod
    def of(cls, data: BookData, edition: int = 0) -> "Book":
        """A book of this content."""
        working = {
            team: WorkingTime(
                calendar.hours,
                Calendar(calendar.overrides, ZoneInfo(calendar.timezone), data.known_through),
            )
            for team, calendar in data.calendars.items()
        }
        return cls(edition, data, working)

    @classmethod
    def from_settings(
        cls, sla: SlaSettings, timezone: str, calendar_file: Path | None = None
    ) -> "Book":
        """The book that config.yaml describes.

        Args:
            timezone: of calendars that name none.
            calendar_file: of calendars that name none.

        Raises:
            CalendarFileError: a calendar's file is wrong.
        """
        calendars = {}
        for team, calendar in sla.calendars.items():
            file = calendar.file or calendar_file
            calendars[team] = CalendarData(
                timezone=calendar.timezone or timezone,
                hours=calendar.hours,
                overrides=read_overrides(file) if file is not None else {},
            )
        return cls.of(
            BookData(policies=sla.policies, calendars=calendars, known_through=announced_through())
        )

    def text(self) -> str:
        """The content as it is stored: the same for the same content."""
        return canonical(self.data.model_dump(mode="json"))

    def policy(self, facts: Facts) -> PolicySettings:
        """The one that a routing rule named, if there is such a one; else the first policy whose
        conditions all hold."""
        if facts.policy:
            for policy in self.data.policies:
                if policy.name == facts.policy:
                    return policy
        return next(policy for policy in self.data.policies if holds(policy, facts))

    def working(self, team: str) -> WorkingTime:
        """A team's working time; the default calendar's where it has none of its own."""
        return self._working.get(team) or self._working[DEFAULT]

    def today(self, team: str, now: datetime) -> date:
        """The day it is for a team. Its months are those of its days."""
        return self.working(team).calendar.today(now)

    def zone(self, team: str) -> tzinfo:
        """The zone of a team's days."""
        return self.working(team).calendar.tz

    def warnings(self, first: date, last: date) -> list[NoHolidayData]:
        """The years between two days whose holidays some calendar does not know."""
        found: dict[int, NoHolidayData] = {}
        for calendar in self.data.calendars.values():
            known = self.data.known_through
            for warning in warnings_between(first, last, calendar.overrides, known):
                found[warning.year] = warning
        return [found[year] for year in sorted(found)]

    def unknown(self, today: date) -> list[NoHolidayData]:
        """Years that clocks may reach now and whose holidays some calendar does not know: this one
        and, in its last two months, the next. They go by Monday to Friday."""
        return self.warnings(today, today + AHEAD)


def holds(policy: PolicySettings, facts: Facts) -> bool:
    """Whether a ticket fulfils every condition of a policy."""
    return (
        (not policy.regions or not {facts.area_code, facts.province}.isdisjoint(policy.regions))
        and (not policy.customer_levels or facts.customer_level in policy.customer_levels)
        and (not policy.levels or facts.level in policy.levels)
        and (not policy.types or facts.type in policy.types)
    )


@lru_cache(maxsize=64)
def book_of(text: str, edition: int) -> Book:
    """The book that `Book.text` wrote."""
    return Book.of(BookData.model_validate_json(text), edition)


@dataclass(frozen=True, slots=True)
class Editions:
    """Books in the order in which they came into force. Never empty."""

    books: Sequence[tuple[datetime, Book]]

    @property
    def latest(self) -> Book:
        """The one that is in force."""
        return self.books[-1][1]

    def at(self, moment: datetime | None) -> Book:
        """The book in force at a moment, the first for all before it; without one, the latest."""
        found = self.books[0][1] if moment is not None else self.latest
        for since, book in self.books:
            if moment is not None and since <= moment:
                found = book
        return found

    def with_next(self, book: Book, since: datetime) -> "Editions":
        """As if this book came into force next."""
        number = self.latest.edition + 1 if self.books else 1
        return Editions((*self.books, (since, Book.of(book.data, number))))
