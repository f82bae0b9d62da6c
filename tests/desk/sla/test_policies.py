"""Policies as data: the first that fits is a ticket's, and a mistake is one sentence."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from desk.calendar import CalendarFileError
from desk.sla.book import Book, book_of
from desk.sla.check import check_sla
from desk.sla.history import Facts
from desk.sla.settings import SlaSettings
from tests.rig.samples import NOW

TARGETS = {"resolution": {"due_minutes": 60}}
LAST = {"name": "rest", "targets": TARGETS}


def sla(*policies: dict[str, Any], **more: Any) -> SlaSettings:
    return SlaSettings.model_validate({"policies": [*policies, LAST], **more})


def policy(**conditions: Any) -> dict[str, Any]:
    return {"name": "first", "targets": TARGETS, **conditions}


@pytest.mark.parametrize(
    ("conditions", "facts", "fits"),
    [
        ({"regions": ["022"]}, Facts(area_code="022", province="天津"), True),
        ({"regions": ["天津"]}, Facts(area_code="022", province="天津"), True),
        ({"regions": ["022"]}, Facts(area_code="010"), False),
        ({"regions": ["022"]}, Facts(), False),
        ({"customer_levels": ["金牌"]}, Facts(customer_level="金牌"), True),
        ({"customer_levels": ["金牌"]}, Facts(), False),
        ({"levels": [1, 2]}, Facts(level=2), True),
        ({"levels": [1]}, Facts(), False),
        ({"types": ["complaint"]}, Facts(type="complaint"), True),
        ({"types": ["complaint"], "levels": [1]}, Facts(type="complaint", level=3), False),
    ],
)
def test_the_first_policy_whose_conditions_all_hold(
    conditions: dict[str, Any], facts: Facts, fits: bool
) -> None:
    book = Book.from_settings(sla(policy(**conditions)), "Asia/Shanghai")
    assert book.policy(facts).name == ("first" if fits else "rest")


def test_the_shipped_policies_are_two_and_24_hours_and_stricter_for_tianjin() -> None:
    book = Book.from_settings(SlaSettings(), "Asia/Shanghai")
    there, here = book.policy(Facts(area_code="010")), book.policy(Facts(area_code="022"))
    hours = [
        (targets["first_response"].due_minutes / 60, targets["resolution"].due_minutes / 60)
        for targets in (there.targets, here.targets)
    ]
    assert hours == [(2, 24), (1, 12)]
    assert {target.clock for target in there.targets.values()} == {"wall"}


CHAIN = [{"to": "agent", "share": 0.5}, {"to": "lead", "share": 1}]


def target(**parts: Any) -> dict[str, Any]:
    return {"targets": {"resolution": {"due_minutes": 60, **parts}}}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (target(steps=[{"to": "agent"}]), "needs either `share`"),
        (target(steps=[{"to": "agent", "share": 1, "after_minutes": 1}]), "needs either `share`"),
        (target(steps=[*CHAIN, CHAIN[0]]), "agent cannot come after lead"),
        (target(steps=[CHAIN[0], {"to": "lead", "share": 0.5}]), "lead must be later than"),
        (target(steps=[{"to": "lead", "after_minutes": -60}]), "before the clock starts"),
        (target(due_minutes=0), "greater than or equal to 1"),
        (target(amber=1.5), "less than or equal to 1"),
        (target(clock="sun"), "'wall' or 'working'"),
        ({"targets": {}}, "at least 1"),
        ({"targets": {"answer": {"due_minutes": 1}}}, "first_response"),
        ({"levels": [5]}, "less than or equal to 4"),
        ({"name": "rest"}, "two policies are named 'rest'"),
        ({}, "rest is never reached: first before it has no conditions"),
    ],
)
def test_a_mistake_is_one_clear_sentence(wrong: dict[str, Any], says: str) -> None:
    first = policy(levels=[1]) if wrong else policy()
    with pytest.raises(ValidationError, match=says) as caught:
        sla({**first, **wrong})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"policies": [policy(levels=[1])]}, "first, the last policy, has conditions"),
        ({"policies": []}, "at least 1"),
        ({"calendars": {}}, "`default` is missing"),
        ({"calendars": {"default": {"hours": {"workday": []}}}}, "default: never opens"),
        ({"calendars": {"default": {"timezone": "Mars"}}}, "no time zone named 'Mars'"),
        ({"calendars": {"default": {"hours": {"workday": ["9-5"]}}}}, "match pattern"),
    ],
)
def test_a_section_that_leads_nowhere_is_refused(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        SlaSettings.model_validate(parts)
    assert caught.value.error_count() == 1


def test_names_that_nobody_has_are_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("2026-02-30,rest\n")
    found = sla(
        policy(regions=["022", "天律", "0634"], types=["complain"]),
        calendars={"default": {}, "tianjn": {}, "night": {"file": "bad.csv"}},
    )
    told = list(check_sla(found, ["complaint", "repair"], ["tianjin", "night"], tmp_path))
    assert [location for location, _ in told] == [
        ("sla", "calendars", "tianjn"),
        ("sla", "calendars", "night", "file"),
        ("sla", "policies", 0, "regions", 1),
        ("sla", "policies", 0, "regions", 2),
        ("sla", "policies", 0, "types", 0),
    ]
    said = "\n".join(message for _, message in told)
    for part in ("mean 'tianjin'?", "bad.csv:1: ", "mean '天津'?", "use that", "mean 'complaint'?"):
        assert part in said
    assert list(check_sla(SlaSettings(), [], [], tmp_path)) == []


def test_a_book_comes_back_from_its_text_with_the_companys_own_days(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("2026-12-31,rest\n")
    found = sla(calendars={"default": {}, "night": {"timezone": "Europe/Berlin"}})
    book = Book.from_settings(found, "Asia/Shanghai", file)
    again = book_of(book.text(), 3)
    assert again.text() == book.text()
    assert again.edition == 3
    assert not again.working("").calendar.is_workday(date(2026, 12, 31))
    assert str(again.zone("night")) == "Europe/Berlin"
    assert str(again.zone("nobody")) == "Asia/Shanghai"


def test_a_file_that_is_wrong_now_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarFileError):
        Book.from_settings(SlaSettings(), "Asia/Shanghai", tmp_path / "none.csv")


def test_the_day_is_the_teams() -> None:
    found = sla(calendars={"default": {}, "west": {"timezone": "America/New_York"}})
    book = Book.from_settings(found, "Asia/Shanghai")
    assert book.today("west", NOW) == date(2026, 11, 21)
    assert book.today("", NOW) == date(2026, 11, 22)


def test_years_without_holidays_are_told_and_stop_nothing() -> None:
    book = Book.from_settings(SlaSettings(), "Asia/Shanghai")
    told = book.warnings(date(2026, 1, 1), date(2098, 1, 1))
    assert told[-1].year == 2098
    assert book.warnings(date(2026, 1, 1), date(2026, 12, 31)) == []


def test_what_an_edition_did_not_know_yet_is_told_whatever_is_known_by_now() -> None:
    book = Book.from_settings(SlaSettings(), "Asia/Shanghai")
    older = Book.of(book.data.model_copy(update={"known_through": 2025}))
    assert [each.year for each in older.unknown(date(2026, 2, 1))] == [2026]
    assert [each.year for each in older.unknown(date(2025, 11, 20))] == [2026], "clocks reach it"
    assert older.unknown(date(2025, 6, 1)) == []
    assert book.unknown(date(2026, 6, 1)) == []


def test_the_policy_that_a_rule_named_goes_before_conditions() -> None:
    book = Book.from_settings(sla(policy(levels=[1])), "Asia/Shanghai")
    assert book.policy(Facts(policy="first")).name == "first"
    assert book.policy(Facts(level=1, policy="rest")).name == "rest"
    assert book.policy(Facts(level=1, policy="gone since")).name == "first"
