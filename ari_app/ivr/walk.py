"""One caller's way through the menus: a state machine without a telephone.

The call plays what an outcome says, waits, and steps on with what the caller did; so does
`huisheng menu try` with a keyboard. No step raises: whatever is pressed, the walk either asks
again or ends in an outcome that takes the caller out of the menus.

    walk = Walk(tree, tree.entry_for(caller, dialled, now).name)
    outcome = walk.ask()
    while isinstance(outcome, Ask):
        outcome = walk.step(await key_or_silence(outcome))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ari_app.ivr.settings import Action, Record
from ari_app.ivr.tree import Menu, MenuTree

MOST_QUESTIONS = 100
"""A walk that has asked so often is a machine or a stuck key, and costs line time: it ends."""


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed a key: one of 0-9, *, #, A-D (RFC 4733 §3.2)."""

    digit: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The time an `Ask` allows ran out without a key."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a caller chose, or what silence and wrong keys chose: a row of the call's history."""

    menu: str
    key: str  # the key, a dialled extension, or "" after failed attempts
    label: str  # for people; "" if the settings give none
    ticket: str | None  # type of ticket this choice asks for
    verb: str  # menu, say, message, person, extension, back, hangup, case


@dataclass(frozen=True, slots=True)
class Ask:
    """Play `prompts` one after the other, then wait `timeout_seconds` for one key.

    A key that comes while the prompts play stops them if `barge_in`, else it is ignored.
    `digits` are those of an extension so far; then there is nothing to play.
    """

    menu: str
    prompts: tuple[str, ...]
    barge_in: bool
    timeout_seconds: float
    digits: str = ""
    choice: Choice | None = None  # the choice that led here, if one did


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """Play `prompt`, sound the tone, record."""

    prompt: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class Person:
    """Connect the caller to somebody of `team` who has all `skills` and speaks `language`."""

    team: str
    choice: Choice
    skills: frozenset[str] = frozenset()
    language: str = ""  # "": any
    urgent: bool = False
    record: Record | None = None  # the menu's; None: as the `recording` section says
    survey: bool | None = None  # the menu's; None: as the `surveys` section says


@dataclass(frozen=True, slots=True)
class Extension:
    """Connect the caller to the agent with this number."""

    number: str
    choice: Choice
    urgent: bool = False
    record: Record | None = None  # as of a `Person`
    survey: bool | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """Play `prompts` and end the call. `choice` is None if the walk asked too often."""

    prompts: tuple[str, ...]
    choice: Choice | None


@dataclass(frozen=True, slots=True)
class AskCase:
    """Ask for the number of a case, and tell how it stands."""

    choice: Choice


Outcome = Ask | LeaveMessage | Person | Extension | HangUp | AskCase


class Walk:
    """One caller in one tree. After an outcome that is not an `Ask`, `ask()` takes a caller who
    could not be served back to the menu of that choice."""

    def __init__(self, tree: MenuTree, menu: str) -> None:
        """Begin in the menu named `menu`, which must be one of the tree's."""
        self._tree = tree
        self._menu = tree.menus[menu]
        self._left = self._menu.attempts
        self._parents: list[str] = []  # each menu at most once, so its length is bounded
        self._digits = ""
        self._asked = 0
        self._choices: list[Choice] = []

    @property
    def menu(self) -> Menu:
        """Where the caller is."""
        return self._menu

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The caller's way so far; `repeat` is not part of it."""
        return tuple(self._choices)

    @property
    def matter(self) -> Choice | None:
        """The last choice that says what the caller's matter is (a type of ticket)."""
        return next((c for c in reversed(self._choices) if c.ticket is not None), None)

    def ask(self) -> Outcome:
        """The question of the present menu from its beginning; attempts are not renewed."""
        self._digits = ""
        return self._question(())

    def step(self, event: Key | Silence) -> Outcome:
        """What follows from a key or from silence."""
        if isinstance(event, Silence):
            return self._timed_out()
        if self._digits:
            return self._next_digit(event.digit)
        action = self._menu.keys.get(event.digit)
        if action is not None:
            return self._act(action, event.digit)
        if self._menu.begins_extension(event.digit):
            return self._next_digit(event.digit)
        return self._failed(self._menu.invalid)

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as JSON values."""
        return {
            "menu": self._menu.name,
            "left": self._left,
            "parents": list(self._parents),
            "digits": self._digits,
            "asked": self._asked,
            "choices": [[c.menu, c.key, c.label, c.ticket, c.verb] for c in self._choices],
        }

    @classmethod
    def restore(cls, tree: MenuTree, state: Mapping[str, Any], entry: str) -> "Walk":
        """The walk whose `state()` was journaled, with the same attempts left.

        `entry` is where the caller begins anew if the menus changed meanwhile and the one of the
        journal is gone.
        """
        walk = cls(tree, state["menu"] if state["menu"] in tree.menus else entry)
        walk._choices = [Choice(*row) for row in state["choices"]]
        walk._asked = state["asked"]
        if walk._menu.name == state["menu"]:
            walk._left = min(state["left"], walk._menu.attempts)
            walk._parents = [name for name in state["parents"] if name in tree.menus]
            walk._digits = state["digits"]
        return walk

    # one kind of step each

    def _next_digit(self, digit: str) -> Outcome:
        if digit == "#" and self._digits in self._menu.extensions:
            return self._dialled()
        self._digits += digit
        if self._menu.is_whole(self._digits):
            return self._dialled()
        if self._menu.begins_extension(self._digits):
            return Ask(self._menu.name, (), True, self._tree.digit_seconds, self._digits)
        return self._failed(self._menu.invalid)

    def _dialled(self) -> Extension:
        choice = self._choose(self._digits, "", None, "extension")
        number, self._digits = self._digits, ""
        return Extension(number, choice, record=self._menu.record, survey=self._menu.survey)

    def _timed_out(self) -> Outcome:
        if self._digits in self._menu.extensions:
            return self._dialled()
        if self._digits:
            return self._failed(self._menu.invalid)
        return self._failed(self._menu.silence)

    def _failed(self, prompt: str) -> Outcome:
        self._digits = ""
        self._left -= 1
        if self._left > 0:
            return self._question((prompt,))
        return self._act(self._menu.failure, "")

    def _act(self, action: Action, key: str) -> Outcome:
        if action.repeat:
            return self._question(())
        choice = self._choose(key, action.label, action.ticket, action.verb)
        if action.message is not None:
            return LeaveMessage(action.message, choice)
        if action.person is not None:
            return Person(
                action.person,
                choice,
                skills=frozenset(action.skills),
                language=action.language or "",
                urgent=action.urgent,
                record=self._menu.record,
                survey=self._menu.survey,
            )
        if action.extension is not None:
            menu = self._menu
            return Extension(action.extension, choice, action.urgent, menu.record, menu.survey)
        if action.case:
            return AskCase(choice)
        if action.hangup:
            return HangUp(("goodbye",), choice)
        if action.say is not None and action.then is None:
            return HangUp((action.say,), choice)
        target = action.menu or action.then
        if target is not None:
            self._enter(target)
        elif self._parents:  # back
            self._enter(self._parents[-1])
        said = () if action.say is None else (action.say,)
        return self._question(said, choice)

    def _choose(self, key: str, label: str, ticket: str | None, verb: str) -> Choice:
        choice = Choice(self._menu.name, key, label, ticket, verb)
        self._choices.append(choice)
        return choice

    def _enter(self, name: str) -> None:
        """A menu that the caller came through is a way back, any other one a step down."""
        if name in self._parents:
            del self._parents[self._parents.index(name) :]
        elif name != self._menu.name:
            self._parents.append(self._menu.name)
        self._menu = self._tree.menus[name]
        self._left = self._menu.attempts

    def _question(self, before: tuple[str, ...], choice: Choice | None = None) -> Outcome:
        self._asked += 1
        if self._asked > MOST_QUESTIONS:
            return HangUp(("goodbye",), choice)
        menu = self._menu
        prompts = (*before, menu.prompt)
        return Ask(menu.name, prompts, menu.barge_in, menu.timeout_seconds, "", choice)
