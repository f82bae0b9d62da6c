"""Which menu a caller meets first, by region, number and hour."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.tree import MenuTree
from asterisk_conf.settings import PbxSettings
from desk.calendar import Calendar
from desk.region import Caller

TIANJIN = Caller("02253456789", "landline", "+862253456789", "天津", "天津", "022", ("天津",))
BEIJING = Caller("01053456789", "landline", "+861053456789", "北京", "北京", "010", ("北京",))
WITHHELD = Caller("anonymous", "hidden")
LINE = "4001234567"


def at(text: str) -> datetime:
    """An aware time; `text` is Shanghai's clock."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


OPEN = at("2026-11-18 10:00")  # a Wednesday


MenuAt = Callable[[str], str]
END = {"hangup": True}
CALENDAR = Calendar(overrides={date(2026, 11, 17): "rest"})


@pytest.fixture
def menu_at() -> MenuAt:
    ivr = IvrSettings.model_validate(
        {
            "prompts": {"p": "字"},
            "schedules": {
                "day": {
                    "workday": ["09:00-12:00", "13:00-24:00"],
                    "restday": ["closed"],
                    "dates": {"2026-12-31": ["09:00-12:00"]},
                }
            },
            "entry": [{"menu": "main", "open": "day"}, {"menu": "closed"}],
            "menus": {n: {"prompt": "p", "keys": {}, "failure": END} for n in ("main", "closed")},
        }
    )
    tree = MenuTree.compile(ivr, PbxSettings(), CALENDAR)
    return lambda clock: tree.entry_for(BEIJING, LINE, at(clock)).name


@pytest.fixture
def numbers() -> MenuTree:
    ivr = IvrSettings.model_validate(
        {
            "prompts": {"p": "字"},
            "entry": [
                {"menu": "b", "numbers": ["4007654321"]},
                {"menu": "c", "numbers": [LINE], "provinces": ["天津"]},
                {"menu": "a"},
            ],
            "menus": {n: {"prompt": "p", "keys": {}, "failure": END} for n in "abc"},
        }
    )
    return MenuTree.compile(ivr, PbxSettings(), CALENDAR)


@pytest.mark.parametrize(
    ("caller", "menu"), [(TIANJIN, "tianjin"), (BEIJING, "main"), (WITHHELD, "main")]
)
def test_a_caller_meets_the_menu_of_the_region(tree: MenuTree, caller: Caller, menu: str) -> None:
    assert tree.entry_for(caller, LINE, OPEN).name == menu


@pytest.mark.parametrize(
    ("clock", "menu"),
    [
        ("2026-11-18 08:59:59", "closed"),
        ("2026-11-18 09:00:00", "main"),
        ("2026-11-18 17:59:59", "main"),
        ("2026-11-18 18:00:00", "closed"),
    ],
)
def test_opening_includes_the_first_minute_and_not_the_last(
    tree: MenuTree, clock: str, menu: str
) -> None:
    assert tree.entry_for(BEIJING, LINE, at(clock)).name == menu


def test_a_public_holiday_follows_the_hours_of_a_rest_day(menu_at: MenuAt) -> None:
    assert menu_at("2026-10-01 10:00") == "closed"  # a Thursday
    assert menu_at("2026-09-30 10:00") == "main"


def test_a_make_up_saturday_follows_the_hours_of_a_working_day(menu_at: MenuAt) -> None:
    assert menu_at("2026-10-10 10:00") == "main"
    assert menu_at("2026-10-17 10:00") == "closed"


def test_the_companys_own_day_of_rest_closes_the_line(menu_at: MenuAt) -> None:
    assert menu_at("2026-11-17 10:00") == "closed"  # a Tuesday


def test_a_date_named_in_the_schedule_goes_before_the_kind_of_day(menu_at: MenuAt) -> None:
    assert menu_at("2026-12-31 11:59") == "main"
    assert menu_at("2026-12-31 14:00") == "closed"
    assert menu_at("2026-12-30 14:00") == "main"


def test_a_day_may_have_a_break_and_last_until_midnight(menu_at: MenuAt) -> None:
    assert menu_at("2026-11-18 12:30") == "closed"
    assert menu_at("2026-11-18 23:59") == "main"


def test_an_entry_applies_only_to_the_number_dialled(numbers: MenuTree) -> None:
    assert numbers.entry_for(BEIJING, "4007654321", OPEN).name == "b"
    assert numbers.entry_for(BEIJING, LINE, OPEN).name == "a"


def test_all_conditions_of_an_entry_must_hold(numbers: MenuTree) -> None:
    assert numbers.entry_for(TIANJIN, LINE, OPEN).name == "c"
    assert numbers.entry_for(TIANJIN, "4007654321", OPEN).name == "b"
