"""Hours, names and numbers: the small decisions that a customer notices."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from desk.outbound import OutboundSettings
from desk.outbound.hours import allowed, day_began, next_allowed
from desk.outbound.salutation import salutation

CHINA = ZoneInfo("Asia/Shanghai")
RANGES = ((time(9), time(12)), (time(14), time(20)))


def at(hour: int, minute: int = 0, day: int = 18) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (at(8, 59), at(9)),
        (at(9), at(9)),
        (at(11, 59), at(11, 59)),
        (at(12), at(14)),
        (at(19, 59), at(19, 59)),
        (at(20), at(9, day=19)),
        (at(23, 30), at(9, day=19)),
        (at(0, 30), at(9)),
    ],
)
def test_rest_hours_are_the_customers(now: datetime, then: datetime) -> None:
    assert next_allowed(now, RANGES, CHINA) == then
    assert allowed(then, RANGES, CHINA)


def test_a_day_is_the_companys() -> None:
    assert day_began(at(1), CHINA) == at(0)


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("王先生", "王先生"),
        ("李女士", "李女士"),
        ("张小姐", "张女士"),
        ("王小明", "王先生或王女士"),
        ("欧阳娜娜", "欧阳先生或欧阳女士"),
        ("天津市某某有限公司", None),
        ("John Smith", None),
        ("", None),
        ("王", None),
        ("客户", None),
    ],
)
def test_a_name_is_spoken_as_surname_only(name: str, who: str | None) -> None:
    assert salutation(name) == who


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": []},
        {"hours": ["20:00-09:00"]},
        {"hours": ["9-12"]},
        {"keep_days": 29},
        {"limits": {"allowed_prefixes": ["+"]}},
        {"confirm": {"salutation": "请按一"}},
        {"confirm": {"ways": {5: "call"}}},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OutboundSettings.model_validate(wrong)
