"""Working time on every day of a year: an hour too many lets a case lapse over a holiday, one too
few calls the manager at night."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendar import Calendar, announced_through, is_open
from desk.sla.settings import HoursSettings
from desk.sla.working import WorkingTime
from tests.desk.sla import oracle

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def team(zone: str = "Asia/Shanghai", **hours: list[str]) -> WorkingTime:
    return WorkingTime(
        HoursSettings.model_validate(hours), Calendar({}, ZoneInfo(zone), known_through=2026)
    )


OFFICE = [(540, 1080)]
SHIFTS = [(480, 720), (780, 1020), (1320, 1800)]


@pytest.mark.parametrize(
    ("zone", "spans"),
    [("Asia/Shanghai", OFFICE), ("Asia/Shanghai", SHIFTS), ("Europe/Berlin", SHIFTS)],
)
def test_every_minute_of_2026_counts_as_the_oracle_says(
    zone: str, spans: list[tuple[int, int]]
) -> None:
    written = [f"{s // 60:02}:{s % 60:02}-{e // 60 % 24:02}:{e % 60:02}" for s, e in spans]
    mine = team(zone, workday=written, restday=["closed"])
    works = oracle.Team(zone, spans, [], {}).works
    at, passed = NEW_YEAR, 0
    sums = [0]
    for _ in range(365 * 1440):
        passed += works(at)
        sums.append(passed)
        at += MINUTE
    for day in range(365):
        start = NEW_YEAR + day * DAY
        first, last = day * 1440, (day + 1) * 1440
        assert mine.between(start, start + DAY) == (sums[last] - sums[first]) * MINUTE, start
        assert mine.between(NEW_YEAR, start) == sums[first] * MINUTE, start
        for amount in (1, 59, 240, 541, 2400):
            goal = sums[first] + amount
            if goal <= passed:
                there = mine.advance(start, amount * MINUTE)
                assert there == NEW_YEAR + sums.index(goal, first) * MINUTE, (start, amount)


def test_2026_has_248_days_of_nine_hours() -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    end = datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert team().between(start, end) == 248 * timedelta(hours=9)


def test_a_case_of_friday_before_spring_festival_is_due_after_the_make_up_saturday() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    friday = datetime(2026, 2, 13, 17, tzinfo=shanghai)
    assert team().advance(friday, timedelta(hours=2)) == datetime(2026, 2, 14, 10, tzinfo=shanghai)
    saturday = datetime(2026, 2, 14, 17, tzinfo=shanghai)
    assert team().advance(saturday, timedelta(hours=2)) == datetime(
        2026, 2, 24, 10, tzinfo=shanghai
    )


def test_what_is_due_at_the_end_of_a_day_is_not_due_on_the_next_morning() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    start = datetime(2026, 10, 12, 9, tzinfo=shanghai)
    assert team().advance(start, timedelta(hours=9)) == start + timedelta(hours=9)


def test_a_year_whose_holidays_are_not_known_goes_by_the_weekday() -> None:
    known = team()
    blind = WorkingTime(HoursSettings(), Calendar(known_through=2025))
    spring = date(2026, 2, 17)
    assert known.day(spring) == ()
    assert len(blind.day(spring)) == 1, "a clock never stops for lack of data"
    assert announced_through() >= 2026


def test_an_override_counts_in_a_year_that_is_not_known() -> None:
    calendar = Calendar({date(2027, 2, 9): "rest"}, known_through=2026)
    assert WorkingTime(HoursSettings(), calendar).day(date(2027, 2, 9)) == ()


def test_a_calendar_that_never_opens_makes_nothing_due_and_ends() -> None:
    never = team(workday=["closed"])
    assert never.advance(NEW_YEAR, MINUTE) is None
    assert never.between(NEW_YEAR, NEW_YEAR + 365 * DAY) == timedelta()


ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"]  # fmt: skip


@given(
    st.sampled_from(ZONES),
    st.integers(40 * 525_960, 65 * 525_960),  # minutes: the years 2010 to 2035
    st.integers(0, 4 * 1440),
)
@settings(max_examples=60, deadline=None)
def test_opening_hours_of_calls_and_working_time_of_cases_agree_where_clocks_are_put_on(
    zone: str, start: int, minutes: int
) -> None:
    mine = team(zone, workday=["00:30-02:45", "22:00-01:15"], restday=["01:00-03:00"])
    at = datetime.fromtimestamp(start * 60, UTC)
    opened = sum(is_open(mine.schedule, at + n * MINUTE, mine.calendar) for n in range(minutes))
    assert mine.between(at, at + minutes * MINUTE) == opened * MINUTE
    there = mine.advance(at, opened * MINUTE)
    assert there is not None
    assert mine.between(at, there) == opened * MINUTE
