"""Whatever a caller presses in whatever menus: the walk asks again or ends, and never breaks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.text import Text

from ari_app.ivr.check import check_ivr
from ari_app.ivr.keyboard import KEYS, walk_by_keyboard
from ari_app.ivr.settings import IvrSettings
from ari_app.ivr.tree import MenuTree
from ari_app.ivr.walk import MOST_QUESTIONS, Ask, Key, LeaveMessage, Outcome, Silence, Walk
from asterisk_conf.settings import PbxSettings
from desk.calendar import Calendar
from desk.settings import TicketSettings

unhurried = settings(deadline=None)  # other tests share the machine
NAMES = ["a", "b", "c", "d"]
EXTENSIONS = ["80", "801", "8001", "12"]
PROMPTS = (
    *("invalid", "silence", "recorded", "unheard", "thanks", "connecting", "nobody", "trouble"),
    "goodbye",
)
PBX = PbxSettings.model_validate(
    {"agents": [{"extension": e, "name": "人", "team": "t"} for e in EXTENSIONS]}
)

ends = st.sampled_from(
    [
        {"say": "p"},
        {"message": "p", "ticket": "complaint"},
        {"person": "t", "label": "人工"},
        {"extension": "80"},
        {"hangup": True},
    ]
)
verbs = st.one_of(
    st.sampled_from(NAMES).map(lambda name: {"menu": name}),
    st.sampled_from(NAMES).map(lambda name: {"say": "p", "then": name}),
    st.sampled_from([{"back": True}, {"repeat": True}]),
    ends,
)
menu = st.fixed_dictionaries(
    {
        "prompt": st.just("p"),
        "keys": st.dictionaries(st.sampled_from(KEYS), verbs, max_size=6),
        "attempts": st.integers(1, 4),
        "failure": st.one_of(ends, ends, verbs),
        "dial_extensions": st.booleans(),
    }
)
# also menus that the check refuses: a walk must not depend on it
ivrs = st.fixed_dictionaries(dict.fromkeys(NAMES, menu)).map(
    lambda menus: IvrSettings.model_validate(
        {
            "prompts": dict.fromkeys((*PROMPTS, "p"), "字"),
            "entry": [{"menu": "a"}],
            "menus": menus,
        }
    )
)
pressed = st.lists(st.sampled_from([*KEYS, "A", ""]), max_size=60)


def event(key: str) -> Key | Silence:
    return Key(key) if key else Silence()


def outcomes(walk: Walk, keys: list[str]) -> Iterator[Outcome]:
    outcome = walk.ask()
    yield outcome
    for key in keys:
        if not isinstance(outcome, Ask):
            return
        outcome = walk.step(event(key))
        yield outcome


def tree_of(ivr: IvrSettings) -> MenuTree:
    return MenuTree.compile(ivr, PBX, Calendar())


@unhurried
@given(ivrs, pressed)
def test_any_keys_in_any_menus_ask_again_or_end(ivr: IvrSettings, keys: list[str]) -> None:
    for outcome in outcomes(Walk(tree_of(ivr), "a"), keys):
        if isinstance(outcome, Ask):
            assert outcome.menu in ivr.menus
            assert set(outcome.prompts) <= set(ivr.prompts)
            assert outcome.timeout_seconds > 0
            assert bool(outcome.prompts) != bool(outcome.digits)


@unhurried
@given(ivrs, pressed)
def test_going_on_after_an_end_does_not_break_either(ivr: IvrSettings, keys: list[str]) -> None:
    walk = Walk(tree_of(ivr), "a")
    walk.ask()
    for key in keys:
        walk.step(event(key))
    assert len(walk.state()["parents"]) < len(NAMES)


@unhurried
@given(ivrs, pressed, st.integers(0, 60))
def test_a_walk_resumed_from_the_journal_goes_the_same_way(
    ivr: IvrSettings, keys: list[str], crash: int
) -> None:
    tree = tree_of(ivr)
    walk = Walk(tree, "a")
    list(outcomes(walk, keys[:crash]))
    resumed = Walk.restore(tree, json.loads(json.dumps(walk.state())), "a")
    assert resumed.state() == walk.state()
    for key in keys[crash:]:
        assert resumed.step(event(key)) == walk.step(event(key))
    assert resumed.choices == walk.choices


@unhurried
@given(ivrs)
def test_a_silent_caller_always_leaves_menus_that_pass_the_check(ivr: IvrSettings) -> None:
    problems = check_ivr(ivr, PBX, TicketSettings(), Path())
    refused = ("silent caller", "nothing to go back to")
    assume(not any(why in problem.message for problem in problems for why in refused))
    walk = Walk(tree_of(ivr), "a")
    ends = [o for o in outcomes(walk, [""] * (4 * len(NAMES) + 1)) if not isinstance(o, Ask)]
    assert len(ends) == 1


@unhurried
@given(ivrs)
def test_a_stuck_key_always_ends(ivr: IvrSettings) -> None:
    for key in KEYS:
        *_, last = outcomes(Walk(tree_of(ivr), "a"), [key] * (5 * MOST_QUESTIONS))
        assert not isinstance(last, Ask)


@unhurried
@given(ivrs, st.lists(st.text(KEYS, max_size=5), max_size=20))
def test_the_keyboard_walks_the_way_a_call_does(ivr: IvrSettings, lines: list[str]) -> None:
    tree = tree_of(ivr)
    typed = iter(lines)
    shown: list[Text] = []
    by_keyboard = walk_by_keyboard(
        Walk(tree, "a"), ivr, lambda _prompt: next(typed, None), shown.append
    )
    keys = [key for line in lines for key in (list(line) or [""])]
    *_, last = outcomes(Walk(tree, "a"), keys)
    assert by_keyboard == (None if isinstance(last, Ask) else last)
    assert shown


@unhurried
@given(pressed)
def test_the_menus_we_ship_never_lose_a_caller(tree: MenuTree, keys: list[str]) -> None:
    for entry in tree.entries:
        walk = Walk(tree, entry.menu)
        *_, last = outcomes(walk, [*keys, *[""] * 20])
        assert not isinstance(last, Ask)
        if isinstance(last, LeaveMessage):
            assert last.prompt in ("tell", "nobody", "closed")


def test_a_refused_menu_is_refused_for_a_caller_that_is_really_lost() -> None:
    written: dict[str, Any] = {
        "prompts": dict.fromkeys((*PROMPTS, "p"), "字"),
        "entry": [{"menu": "a"}],
        "menus": {
            "a": {"prompt": "p", "keys": {}, "failure": {"menu": "b"}},
            "b": {"prompt": "p", "keys": {}, "failure": {"back": True}},
        },
    }
    walk = Walk(tree_of(IvrSettings.model_validate(written)), "a")
    *_, last = outcomes(walk, [""] * (MOST_QUESTIONS - 1))
    assert isinstance(last, Ask), "without the check the caller would still be in the menus"
