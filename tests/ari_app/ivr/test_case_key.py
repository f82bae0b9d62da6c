"""A key of a menu asks how a case stands, by its number: for callers whose number says nothing."""

from collections.abc import Callable

from rich.text import Text

from ari_app.ivr.compiled import compile_menus
from ari_app.ivr.keyboard import walk_by_keyboard
from ari_app.ivr.settings import Action
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import AskCase, Extension, Key, Person, Walk
from ari_app.settings import load
from tests.ari_app.calls.rig import CONFIG

END = {"hangup": True}
Menus = Callable[..., MenuTree]


def test_the_key_leads_to_the_question_for_a_number(menus: Menus) -> None:
    tree = menus({"m": {"keys": {"4": {"case": True, "label": "查询"}}, "failure": END}})
    outcome = Walk(tree, "m").step(Key("4"))
    assert isinstance(outcome, AskCase)
    assert (outcome.choice.verb, outcome.choice.label) == ("case", "查询")


def test_walking_by_keyboard_says_so() -> None:
    settings = load(CONFIG)
    said: list[Text] = []
    walk_by_keyboard(
        Walk(compile_menus(settings), "main"), settings.ivr, lambda _: "4", said.append
    )
    assert "查询工单" in said[-1].plain


def test_the_shipped_menus_offer_it() -> None:
    for name in ("main", "tianjin"):
        assert load(CONFIG).ivr.menus[name].keys["4"].case


def test_a_key_has_one_verb_still() -> None:
    assert Action.model_validate({"case": True}).verb == "case"


def test_whether_callers_are_asked_how_it_was_goes_along(menus: Menus) -> None:
    keys = {"1": {"person": "t"}, "2": {"extension": "8001"}}
    tree = menus({"m": {"keys": keys, "failure": END, "survey": False}})
    for key, kind in (("1", Person), ("2", Extension)):
        outcome = Walk(tree, "m").step(Key(key))
        assert isinstance(outcome, kind)
        assert outcome.survey is False
