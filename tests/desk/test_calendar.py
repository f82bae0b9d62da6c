"""Working days and opening hours: a wrong day sends callers to the wrong menu; missing data must
never stop a call."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ivr.settings import ScheduleSettings
from desk.calendar import (
    Calendar,
    CalendarFileError,
    NoHolidayData,
    is_open,
    is_workday,
    missing_data,
    read_overrides,
    warnings_between,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Hours:
    workday: list[str] = field(default_factory=lambda: ["09:00-18:00"])
    restday: list[str] = field(default_factory=lambda: ["closed"])
    dates: dict[date, list[str]] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-01-01", False),  # New Year, a Thursday
        ("2026-01-04", True),  # a Sunday, made up for
        ("2026-02-14", True),  # a Saturday before Spring Festival
        ("2026-02-17", False),
        ("2026-10-07", False),
        ("2026-10-10", True),  # a Saturday after National Day
        ("2026-10-12", True),
        ("2026-10-17", False),  # an ordinary Saturday
    ],
)
def test_holidays_and_make_up_days_of_the_state_council(day: str, working: bool) -> None:
    assert is_workday(date.fromisoformat(day)) is working


def test_2026_has_248_working_days() -> None:
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    assert sum(is_workday(day) for day in days) == 248


@given(st.dates())
def test_no_date_raises_and_a_year_without_data_follows_the_weekday(day: date) -> None:
    working = is_workday(day)
    warning = missing_data(day)
    if warning is not None:
        assert working is (day.weekday() < 5)
        assert warning == NoHolidayData(day.year)
        assert str(day.year) in str(warning)


def test_the_operator_is_told_once_per_year_without_data() -> None:
    assert warnings_between(date(2026, 1, 1), date(2026, 12, 31)) == []
    told = warnings_between(date(2026, 12, 1), date(2098, 2, 1))
    assert [warning.year for warning in told][-1] == 2098
    assert len(told) == len(set(told))


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match="today"):
        is_workday(datetime(2026, 1, 1, tzinfo=UTC))


def test_overrides_go_before_everything(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text(
        "\ufeffdate,day\n2098-01-01,rest\r\n\n2098-01-04,working # 调休\n"
        "# 公司周年\n2026-10-12, rest\n"
    )
    overrides = read_overrides(path)
    assert overrides == {
        date(2098, 1, 1): "rest",
        date(2098, 1, 4): "working",
        date(2026, 10, 12): "rest",
    }
    calendar = Calendar(overrides)
    assert not calendar.is_workday(date(2098, 1, 1))
    assert calendar.is_workday(date(2098, 1, 4))
    assert not calendar.is_workday(date(2026, 10, 12))
    assert calendar.warning(date(2098, 6, 1)) is None
    assert calendar.warning(date(2099, 6, 1)) == NoHolidayData(2099)


def test_one_correction_does_not_make_a_year_known() -> None:
    assert missing_data(date(2098, 6, 1), {date(2098, 1, 1): "rest"}) is not None


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"2027-01-01,rest\n2027-01-02\n", 2, "working or rest"),
        (b"2027-01-01,rest,x\n", 1, "working or rest"),
        (b"2027-01-01,holiday\n", 1, "must be working or rest"),
        (b"2027-02-30,rest\n", 1, "no date"),
        (b"20270101,rest\n", 1, "no date"),
        (b"2027-1-1,rest\n", 1, "no date"),
        ("２０２７-01-01,rest\n".encode(), 1, "no date"),
        (b"2027-01-01,rest\n\n2027-01-01,working\n", 3, "twice"),
        (b"2027-01-01,rest\n\xff\xfe\n", 2, "UTF-8"),
        (b"2027-01-01,rest\n" * 100_000, 1, "too large"),
        (b"\x00", 1, "working or rest"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, content: bytes, line: int, says: str
) -> None:
    path = tmp_path / "days.csv"
    path.write_bytes(content)
    with pytest.raises(CalendarFileError, match=says) as caught:
        read_overrides(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalendarFileError, match=r"days\.csv:1: cannot be read"):
        read_overrides(tmp_path / "days.csv")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-10-12T08:59:59", False),
        ("2026-10-12T09:00:00", True),
        ("2026-10-12T17:59:59", True),
        ("2026-10-12T18:00:00", False),
        ("2026-10-10T10:00:00", True),  # a Saturday that is worked
        ("2026-10-07T10:00:00", False),  # a Wednesday of the holiday
        ("2026-10-17T10:00:00", False),
    ],
)
def test_callers_are_served_on_the_days_that_are_worked(at: str, expected: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    assert is_open(Hours(), moment, Calendar()) is expected
    assert is_open(Hours(), moment.astimezone(UTC), Calendar()) is expected


def test_single_dates_go_before_working_days() -> None:
    hours = Hours(dates={date(2026, 10, 12): ["closed"], date(2026, 10, 17): ["10:00-12:00"]})
    assert not is_open(hours, datetime(2026, 10, 12, 10, tzinfo=SHANGHAI), Calendar())
    assert is_open(hours, datetime(2026, 10, 17, 10, tzinfo=SHANGHAI), Calendar())


def test_a_lunch_break_and_a_night_shift() -> None:
    hours = Hours(workday=["08:00-12:00", "13:00-17:00", "22:00-06:00"], restday=[])
    friday, saturday, monday = date(2026, 10, 16), date(2026, 10, 17), date(2026, 10, 19)

    def at(day: date, hour: int) -> bool:
        return is_open(
            hours, datetime(day.year, day.month, day.day, hour, 30, tzinfo=SHANGHAI), Calendar()
        )

    assert [at(friday, hour) for hour in (11, 12, 13, 17, 22, 23)] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert at(saturday, 5), "the night of Friday lasts until Saturday six o'clock"
    assert not at(saturday, 6)
    assert not at(monday, 5), "no shift began on Sunday"


def test_open_around_the_clock() -> None:
    hours = Hours(workday=["00:00-24:00"], restday=["00:00-24:00"])
    for minute in range(0, 24 * 60, 7):
        at = datetime(2026, 10, 16, tzinfo=SHANGHAI) + timedelta(minutes=minute)
        assert is_open(hours, at, Calendar())


@pytest.mark.parametrize(
    "wrong", ["9:00-18:00", "09:00-18:00 ", "", "09:00-25:00", "ab", "24:00-09:00"]
)
def test_hours_that_cannot_be_read_are_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="no hours"):
        is_open(Hours(workday=[wrong]), datetime(2026, 10, 12, 10, tzinfo=SHANGHAI), Calendar())


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        is_open(Hours(), datetime(2026, 10, 12, 10), Calendar())  # noqa: DTZ001


def test_the_schedules_of_the_settings_fit() -> None:
    at = datetime(2026, 10, 12, 10, tzinfo=SHANGHAI)
    assert is_open(ScheduleSettings(), at, Calendar())
    assert Calendar().today(at.astimezone(UTC)) == date(2026, 10, 12)


@given(st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_the_zone_in_which_a_moment_is_written_changes_nothing(at: datetime) -> None:
    calendar = Calendar()
    assert is_open(Hours(), at, calendar) == is_open(Hours(), at.astimezone(SHANGHAI), calendar)
