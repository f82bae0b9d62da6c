"""Menus that would fail a caller are refused when config.yaml is read, each with the mend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.ivr.check import check_ivr
from ari_app.settings import Settings

CONFIG = Path(__file__).parents[3] / "config.yaml"
Break = Callable[[Any], None]


def problems(change: Break, home: Path = CONFIG.parent) -> list[str]:
    """`key.path: message` of each problem in config.yaml after `change`."""
    data = YAML(typ="safe").load(CONFIG.read_text(encoding="utf-8"))
    change(data)
    settings = Settings(**data)
    found = check_ivr(settings.ivr, settings.pbx, settings.tickets, home)
    return [f"{'.'.join(map(str, p.location))}: {p.message}" for p in found]


def test_the_repositorys_own_config_has_no_problem() -> None:
    assert problems(lambda data: None) == []


def ivr(data: Any) -> Any:
    return data["ivr"]


def main(data: Any) -> Any:
    return data["ivr"]["menus"]["main"]


BROKEN: dict[str, tuple[Break, str]] = {
    "key to a missing menu": (
        lambda d: main(d)["keys"].update({"2": {"menu": "repairs"}}),
        "ivr.menus.main.keys.2.menu: no menu named 'repairs'; did you mean 'repair'?",
    ),
    "then to a missing menu": (
        lambda d: main(d)["keys"].update({"3": {"say": "opening", "then": "mian"}}),
        "ivr.menus.main.keys.3.then: no menu named 'mian'; did you mean 'main'?",
    ),
    "say of a missing prompt": (
        lambda d: main(d)["keys"].update({"3": {"say": "openning"}}),
        "ivr.menus.main.keys.3.say: no prompt named 'openning'; did you mean 'opening'?",
    ),
    "message after a missing prompt": (
        lambda d: main(d)["failure"].update({"message": "xyzzy"}),
        "ivr.menus.main.failure.message: no prompt named 'xyzzy'; use one of ",
    ),
    "menu with a missing prompt": (
        lambda d: main(d).update({"prompt": "man"}),
        "ivr.menus.main.prompt: no prompt named 'man'; did you mean 'main'?",
    ),
    "default prompt for wrong keys removed": (
        lambda d: ivr(d)["prompts"].pop("invalid"),
        "ivr.menus.main.invalid: no prompt named 'invalid'",
    ),
    "prompt that calls play removed": (
        lambda d: ivr(d)["prompts"].pop("recorded"),
        "ivr.prompts: the prompt 'recorded' is missing",
    ),
    "recording missing": (
        lambda d: ivr(d)["prompts"].update({"main": {"file": "sounds/main.wav"}}),
        "ivr.prompts.main.file: no such file:",
    ),
    "team without an agent": (
        lambda d: main(d)["keys"].update({"0": {"person": "nation"}}),
        "ivr.menus.main.keys.0.person: no team named 'nation'; did you mean 'national'?",
    ),
    "extension of nobody": (
        lambda d: main(d)["keys"].update({"4": {"extension": "8009"}}),
        "ivr.menus.main.keys.4.extension: no agent's extension named '8009'",
    ),
    "unknown ticket type": (
        lambda d: main(d)["keys"]["1"].update({"ticket": "complain"}),
        "ivr.menus.main.keys.1.ticket: no ticket type named 'complain'; did you mean 'complaint'?",
    ),
    "entry to a missing menu": (
        lambda d: ivr(d)["entry"].insert(0, {"menu": "vip", "numbers": ["4001234567"]}),
        "ivr.entry.0.menu: no menu named 'vip'",
    ),
    "entry with a missing schedule": (
        lambda d: ivr(d)["entry"][0].update({"closed": "days"}),
        "ivr.entry.0.closed: no schedule named 'days'; did you mean 'day'?",
    ),
    "entry for a number that is not ours": (
        lambda d: ivr(d)["entry"][1].update({"numbers": ["4001234568"]}),
        "ivr.entry.1.numbers: no line number named '4001234568'; did you mean '4001234567'?",
    ),
    "entry for a province that does not exist": (
        lambda d: ivr(d)["entry"][1].update({"provinces": ["天津市"]}),
        "ivr.entry.1.provinces.0: no province named '天津市'; did you mean '天津'?",
    ),
    "entry for an area code that does not exist": (
        lambda d: ivr(d)["entry"][1].update({"area_codes": ["022", "0111"]}),
        "ivr.entry.1.area_codes.1: no area code 0111",
    ),
    "tickets for an area code that was merged": (
        lambda d: d["tickets"].update({"area_codes": ["0634"]}),
        "tickets.area_codes.0: 0634 was merged into 0531",
    ),
    "entry that is open and closed at once": (
        lambda d: ivr(d)["entry"][0].update({"open": "day"}),
        "ivr.entry.0: never holds",
    ),
    "condition on the last entry": (
        lambda d: ivr(d)["entry"][2].update({"area_codes": ["010"]}),
        "ivr.entry.2: the last entry must have no condition",
    ),
    "unconditional entry before others": (
        lambda d: ivr(d)["entry"].insert(0, {"menu": "main"}),
        "ivr.entry.0: has no condition, so the entries after it never apply",
    ),
    "back in a menu that callers enter": (
        lambda d: main(d)["keys"].update({"*": {"back": True}}),
        "ivr.menus.main.keys.*: nothing to go back to",
    ),
    "failure that repeats": (
        lambda d: main(d).update({"failure": {"repeat": True}}),
        "ivr.menus.main.failure: a silent caller would never leave",
    ),
    "failure that goes round": (
        lambda d: (
            main(d).update({"failure": {"menu": "repair"}}),
            ivr(d)["menus"]["repair"].update({"failure": {"say": "opening", "then": "main"}}),
        ),
        "ivr.menus.main.failure: a silent caller goes round for ever: main → repair → main",
    ),
    "failure that goes back and forth": (
        lambda d: (
            main(d).update({"failure": {"menu": "repair"}}),
            ivr(d)["menus"]["repair"].update({"failure": {"back": True}}),
        ),
        "ivr.menus.main.failure: a silent caller goes round for ever: main → repair → main",
    ),
    "failure that returns to its own menu": (
        lambda d: main(d).update({"failure": {"say": "opening", "then": "main"}}),
        "ivr.menus.main.failure: a silent caller goes round for ever: main → main",
    ),
    "menu that nobody reaches": (
        lambda d: ivr(d)["menus"].update(
            {"spare": {"prompt": "main", "keys": {}, "failure": {"hangup": True}}}
        ),
        "ivr.menus.spare: no entry and no key leads to this menu",
    ),
    "key that begins an extension": (
        lambda d: main(d)["keys"].update({"8": {"hangup": True}}),
        "ivr.menus.main.keys.8: extension 8001 begins with this key",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_menu_that_would_fail_a_caller_is_refused(case: str) -> None:
    change, expected = BROKEN[case]
    found = problems(change)
    assert any(problem.startswith(expected) for problem in found), found


def test_a_failure_may_lead_back_when_the_menu_above_ends() -> None:
    def change(data: Any) -> None:
        ivr(data)["menus"]["repair"]["failure"] = {"back": True}

    assert problems(change) == []


def test_a_key_may_begin_an_extension_where_none_can_be_dialled() -> None:
    def change(data: Any) -> None:
        main(data)["dial_extensions"] = False
        main(data)["keys"]["8"] = {"hangup": True}

    assert problems(change) == []


def test_a_recording_is_looked_for_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "main.wav").write_bytes(b"RIFF")

    def change(data: Any) -> None:
        ivr(data)["prompts"]["main"] = {"file": "main.wav"}

    assert problems(change, tmp_path) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "days.csv:1: cannot be read: No such file or directory"),
        ("2027-02-06,holiday\n", "days.csv:1: 'holiday' must be working or rest"),
        ("2027-02-30,rest\n", "days.csv:1: '2027-02-30' is no date"),
    ],
)
def test_a_calendar_file_that_cannot_be_used_is_told_with_its_own_line(
    tmp_path: Path, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "days.csv").write_text(content)

    def change(data: Any) -> None:
        ivr(data)["calendar_file"] = "days.csv"

    (problem,) = problems(change, tmp_path)
    assert problem.startswith("ivr.calendar_file: ")
    assert expected in problem
