"""A caller's way through the menus, key by key."""

import json
from collections.abc import Callable

import pytest

from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import (
    MOST_QUESTIONS,
    Ask,
    Choice,
    Extension,
    HangUp,
    Key,
    LeaveMessage,
    Outcome,
    Person,
    Silence,
    Walk,
)

Menus = Callable[..., MenuTree]
END = {"hangup": True}


def press(walk: Walk, keys: str) -> Outcome:
    """Press each of `keys` in turn; a space is silence."""
    outcome = walk.ask()
    for key in keys:
        outcome = walk.step(Silence() if key == " " else Key(key))
    return outcome


def test_the_first_question_plays_the_menus_prompt(tree: MenuTree) -> None:
    assert Walk(tree, "main").ask() == Ask("main", ("main",), True, 5)


def test_a_complaint_leads_to_the_tone_with_its_ticket_type(tree: MenuTree) -> None:
    complaint = Choice("main", "1", "投诉", "complaint", "message")
    assert press(Walk(tree, "main"), "1") == LeaveMessage("tell", complaint)


def test_a_repair_is_chosen_in_the_sub_menu(tree: MenuTree) -> None:
    walk = Walk(tree, "tianjin")
    outcome = press(walk, "22")
    repair = Choice("repair", "2", "家电报修", "repair", "message")
    assert outcome == LeaveMessage("tell", repair)
    assert [c.key for c in walk.choices] == ["2", "2"]
    assert walk.matter == repair


def test_star_returns_to_the_menu_the_caller_came_from(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "tianjin"), "2*")
    assert isinstance(outcome, Ask)
    assert outcome.menu == "tianjin"
    assert outcome.choice == Choice("repair", "*", "返回", None, "back")


def test_zero_connects_to_the_team_of_the_region(tree: MenuTree) -> None:
    here, there = press(Walk(tree, "tianjin"), "0"), press(Walk(tree, "main"), "0")
    assert isinstance(here, Person)
    assert isinstance(there, Person)
    assert (here.team, there.team) == ("tianjin", "national")


def test_an_answer_is_played_before_the_menu_it_returns_to(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), "3")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("opening", "main")
    assert outcome.choice == Choice("main", "3", "营业时间", None, "say")


def test_an_answer_without_then_ends_the_call(menus: Menus) -> None:
    tree = menus({"a": {"keys": {"1": {"say": "p"}}, "failure": END}})
    outcome = press(Walk(tree, "a"), "1")
    assert isinstance(outcome, HangUp)
    assert outcome.prompts == ("p",)


def test_a_wrong_key_is_named_and_the_menu_asked_again(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), "7")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("invalid", "main")


def test_silence_is_named_and_the_menu_asked_again(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), " ")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("silence", "main")


@pytest.mark.parametrize("keys", ["   ", "777", " 7 "])
def test_after_the_last_attempt_the_caller_leaves_a_message(tree: MenuTree, keys: str) -> None:
    outcome = press(Walk(tree, "main"), keys)
    assert outcome == LeaveMessage("nobody", Choice("main", "", "无有效按键", None, "message"))


def test_out_of_hours_the_only_attempt_ends_without_complaining_of_silence(
    tree: MenuTree,
) -> None:
    outcome = press(Walk(tree, "closed"), " ")
    assert isinstance(outcome, LeaveMessage)
    assert outcome.prompt == "closed"
    assert outcome.choice.ticket == "message"


def test_repeating_does_not_cost_an_attempt_nor_give_one_back(tree: MenuTree) -> None:
    assert isinstance(press(Walk(tree, "main"), " 9 "), Ask)
    assert isinstance(press(Walk(tree, "main"), " 9 9 "), LeaveMessage)


def test_repeating_is_no_choice(tree: MenuTree) -> None:
    walk = Walk(tree, "main")
    press(walk, "999")
    assert walk.choices == ()


def test_entering_a_menu_renews_the_attempts(tree: MenuTree) -> None:
    assert isinstance(press(Walk(tree, "main"), "  2  *  "), Ask)


def test_an_extension_is_dialled_digit_by_digit(tree: MenuTree) -> None:
    walk = Walk(tree, "main")
    outcome = press(walk, "80")
    assert outcome == Ask("main", (), True, 3, "80")
    outcome = press(walk, "8002")
    assert outcome == Extension("8002", Choice("main", "8002", "", None, "extension"))


def test_digits_of_no_extension_are_a_wrong_key(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), "805")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("invalid", "main")


def test_half_an_extension_and_silence_is_a_wrong_key(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), "800 ")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("invalid", "main")
    assert outcome.digits == ""


def test_extensions_cannot_be_dialled_where_the_menu_forbids_it(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "repair"), "8")
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("invalid", "repair")


@pytest.mark.parametrize("end", [" ", "#"])
def test_a_short_extension_within_a_longer_one_needs_a_pause_or_hash(
    menus: Menus, end: str
) -> None:
    tree = menus({"a": {"dial_extensions": True, "keys": {}, "failure": END}}, digits=("80", "801"))
    assert isinstance(press(Walk(tree, "a"), "80"), Ask)
    outcome = press(Walk(tree, "a"), "80" + end)
    assert isinstance(outcome, Extension)
    assert outcome.number == "80"
    longer = press(Walk(tree, "a"), "801")
    assert isinstance(longer, Extension)
    assert longer.number == "801"


@pytest.mark.parametrize("key", ["A", "D", "", "中", "10"])
def test_a_key_that_no_telephone_has_is_a_wrong_key(tree: MenuTree, key: str) -> None:
    walk = Walk(tree, "main")
    walk.ask()
    outcome = walk.step(Key(key))
    assert isinstance(outcome, Ask)
    assert outcome.prompts == ("invalid", "main")


def test_a_menu_the_caller_came_through_is_a_way_back_not_a_step_down(menus: Menus) -> None:
    tree = menus(
        {
            "a": {"keys": {"1": {"menu": "b"}}, "failure": END},
            "b": {"keys": {"1": {"menu": "c"}, "*": {"back": True}}, "failure": END},
            "c": {"keys": {"1": {"menu": "b"}, "*": {"back": True}}, "failure": END},
        }
    )
    walk = Walk(tree, "a")
    press(walk, "111111")
    assert len(walk.state()["parents"]) <= 2
    press(walk, "**")
    assert walk.menu.name == "a"


def test_a_caller_who_could_not_be_connected_is_asked_again_in_the_same_menu(
    tree: MenuTree,
) -> None:
    walk = Walk(tree, "main")
    press(walk, "0")
    assert walk.ask() == Ask("main", ("main",), True, 5)
    assert isinstance(walk.step(Key("1")), LeaveMessage)


def test_a_stuck_key_does_not_hold_the_line_for_ever(tree: MenuTree) -> None:
    outcome = press(Walk(tree, "main"), "9" * MOST_QUESTIONS)
    assert outcome == HangUp(("goodbye",), None)


def test_a_journaled_walk_goes_on_with_the_attempts_left(tree: MenuTree) -> None:
    walk = Walk(tree, "main")
    press(walk, "2  ")
    journaled = json.loads(json.dumps(walk.state()))
    resumed = Walk.restore(tree, journaled, "main")
    assert resumed.ask() == Ask("repair", ("repair",), True, 5)
    assert isinstance(resumed.step(Silence()), LeaveMessage)


def test_a_journaled_menu_that_is_gone_begins_at_the_entry(tree: MenuTree) -> None:
    walk = Walk(tree, "main")
    press(walk, "2")
    state = {**walk.state(), "menu": "removed"}
    resumed = Walk.restore(tree, state, "tianjin")
    assert resumed.ask() == Ask("tianjin", ("tianjin",), True, 5)
    assert resumed.choices == walk.choices
