"""What a menu says of the person a caller is connected to reaches the line, and is checked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from ari_app.ivr.check import check_ivr
from ari_app.ivr.keyboard import walk_by_keyboard
from ari_app.ivr.picture import picture
from ari_app.ivr.settings import Action, MenuSettings
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import Extension, Key, Person, Silence, Walk
from ari_app.settings import Settings

CONFIG = Path(__file__).parents[3] / "config.yaml"
END = {"hangup": True}
Menus = Callable[..., MenuTree]


def changed(change: Callable[[dict[str, Any]], None]) -> Settings:
    """config.yaml with another menu `main`."""
    data = YAML(typ="safe").load(CONFIG.read_text(encoding="utf-8"))
    change(data["ivr"]["menus"]["main"])
    return Settings(**data)


def problems(change: Callable[[dict[str, Any]], None]) -> list[str]:
    settings = changed(change)
    found = check_ivr(settings.ivr, settings.pbx, settings.tickets, CONFIG.parent)
    return [f"{'.'.join(map(str, p.location))}: {p.message}" for p in found]


def test_skills_language_urgency_and_recording_reach_the_line(menus: Menus) -> None:
    wanted = {"person": "t", "skills": ["a", "b"], "language": "天津话", "urgent": True}
    tree = menus({"m": {"keys": {"1": wanted}, "failure": END, "record": "ask"}})
    outcome = Walk(tree, "m").step(Key("1"))
    assert isinstance(outcome, Person)
    assert (outcome.team, outcome.skills, outcome.language, outcome.urgent, outcome.record) == (
        "t",
        {"a", "b"},
        "天津话",
        True,
        "ask",
    )


def test_a_plain_person_asks_for_nothing_but_the_team(menus: Menus) -> None:
    outcome = Walk(menus({"m": {"keys": {"1": {"person": "t"}}, "failure": END}}), "m").step(
        Key("1")
    )
    assert isinstance(outcome, Person)
    assert (outcome.skills, outcome.language, outcome.urgent, outcome.record) == (
        frozenset(),
        "",
        False,
        None,
    )


def test_a_dialled_extension_follows_the_recording_rule_of_its_menu(menus: Menus) -> None:
    menu = {"keys": {"1": {"extension": "8001", "urgent": True}}, "failure": END}
    tree = menus({"m": {**menu, "dial_extensions": True, "record": "never"}}, digits=("8001",))
    walk = Walk(tree, "m")
    for digit in "800":
        walk.step(Key(digit))
    dialled, chosen = walk.step(Key("1")), Walk(tree, "m").step(Key("1"))
    assert isinstance(dialled, Extension)
    assert isinstance(chosen, Extension)
    assert (dialled.record, dialled.urgent) == ("never", False)
    assert (chosen.record, chosen.urgent) == ("never", True)


def test_failed_attempts_that_lead_to_a_person_keep_what_the_menu_says(menus: Menus) -> None:
    failure = {"person": "t", "skills": ["a"]}
    tree = menus({"m": {"keys": {}, "failure": failure, "attempts": 1, "record": "notice"}})
    outcome = Walk(tree, "m").step(Silence())
    assert isinstance(outcome, Person)
    assert outcome.skills == {"a"}
    assert outcome.record == "notice"


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ({"menu": "main", "skills": ["repair"]}, "`skills` goes with `person`"),
        ({"extension": "8001", "skills": ["repair"]}, "`skills` goes with `person`"),
        ({"hangup": True, "language": "天津话"}, "`language` goes with `person`"),
        ({"message": "tell", "urgent": True}, "`urgent` goes with `person` or `extension`"),
    ],
)
def test_what_would_have_no_effect_is_refused(written: dict[str, Any], mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        Action.model_validate(written)


def test_an_unknown_way_of_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="'ask', 'notice' or 'never'"):
        MenuSettings.model_validate({"prompt": "p", "keys": {}, "failure": END, "record": "yes"})


def test_a_skill_that_no_agent_has_is_refused_before_a_caller_waits_for_it() -> None:
    said = problems(lambda m: m["keys"]["0"].update(skills=["repair", "repiar"]))
    assert said == [
        "ivr.menus.main.keys.0.skills.1: no agent's skill named 'repiar'; did you mean 'repair'?"
    ]


def test_a_language_that_no_agent_speaks_is_refused() -> None:
    said = problems(lambda m: m["keys"]["0"].update(language="天津"))
    assert said == [
        "ivr.menus.main.keys.0.language: no agent's language named '天津'; did you mean '天津话'?"
    ]


def demanding(menu: dict[str, Any]) -> None:
    menu["keys"]["0"].update(skills=["repair"], language="天津话", urgent=True)
    menu["record"] = "ask"


def test_the_picture_shows_what_is_asked_of_the_agent() -> None:
    console = Console(width=160)
    with console.capture() as drawn:
        console.print(picture(changed(demanding)))
    said = drawn.get()
    assert (
        "人工 a person of national  技能 skills repair  语言 language 天津话  优先 urgent" in said
    )
    assert "3 次 attempts · 录音 record: ask" in said


def test_the_walk_by_keyboard_shows_it_too(menus: Menus) -> None:
    settings = changed(demanding)
    shown: list[str] = []
    tree = menus({"main": {"keys": {"0": settings.ivr.menus["main"].keys["0"]}, "failure": END}})
    walk_by_keyboard(
        Walk(tree, "main"), settings.ivr, lambda _: "0", lambda text: shown.append(text.plain)
    )
    assert shown[-1] == "→ 人工 connected to a person of national · repair · 天津话 · urgent"
