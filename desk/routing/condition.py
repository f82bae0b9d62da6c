"""Conditions in rules: `ticket.type == "complaint" and $mentions(ticket.text, ["律师", "媒体"])`.

The language is that of rule-engine, cut down to what always ends soon and cannot fail (see
`clauses`), and checked against the types of the facts (see `schema`). What callers said and wrote
is only ever data: it is compared, never read as a part of a condition.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from desk.routing.clauses import Word, alternatives, words_of
from desk.routing.engine import compiled, mentions, rule_of
from desk.routing.errors import BadCondition
from desk.routing.schema import SCHEMA, Schema, value_of

MOST_SHOWN = 60  # characters of a value in an explanation

_ATTRIBUTES = frozenset({"length", "is_empty", "starts_with", "ends_with"})
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as it came out: its text, whether it holds, and the values it looked at."""

    text: str
    holds: bool
    values: Mapping[str, Any]
    mentioned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """Whether a condition holds, and why.

    Attributes:
        clauses: of the group that holds or, if none does, of the one that came closest. The
            first that does not hold is where it failed.
    """

    holds: bool
    clauses: tuple[Clause, ...]

    @property
    def failed(self) -> Clause | None:
        """The clause at which it failed."""
        return next((clause for clause in self.clauses if not clause.holds), None)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked.

    Attributes:
        constant: what it always is, whatever the facts.
        paths: the facts that it asks about.
        literals: the texts that are written in it.
    """

    text: str
    schema: Schema
    constant: bool | None
    paths: frozenset[str]
    literals: tuple[str, ...]
    _rule: Any = field(compare=False, repr=False)
    _groups: tuple[tuple["_Part", ...], ...] = field(compare=False, repr=False)

    @classmethod
    def compile(cls, text: str, schema: Schema = SCHEMA) -> "Condition":
        """The condition that a text says.

        Raises:
            BadCondition: it cannot be used; says where, why and the mend.
        """
        return _compiled(text, schema)

    def matches(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds. A fact that is missing counts as unknown."""
        return bool(self._rule.evaluate(facts))

    def why(self, facts: Mapping[str, Any]) -> Why:
        """Whether it holds, clause by clause."""
        groups = [tuple(part.told(self.schema, facts) for part in group) for group in self._groups]
        best = max(groups, key=lambda group: (all(c.holds for c in group), _share(group)))
        return Why(all(clause.holds for clause in best), best)


def _share(group: Sequence[Clause]) -> float:
    return sum(clause.holds for clause in group) / len(group)


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause, its rule, the facts that it names and the words that it looks for."""

    text: str
    rule: Any
    paths: tuple[str, ...]
    literals: tuple[str, ...]

    def told(self, schema: Schema, facts: Mapping[str, Any]) -> Clause:
        values = {path: value_of(schema, facts, path) for path in self.paths}
        texts = [value for value in values.values() if isinstance(value, str)]
        found = tuple(
            word for word in self.literals if any(mentions(text, [word]) for text in texts)
        )
        shown = {path: _short(value) for path, value in values.items()}
        return Clause(self.text, bool(self.rule.evaluate(facts)), shown, found)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_SHOWN:
        return f"{value[:MOST_SHOWN]}… ({len(value)})"
    return value


@lru_cache(maxsize=2000)
def _compiled(text: str, schema: Schema) -> Condition:
    words = words_of(text)
    _check_names(text, words, schema)
    rule, constant = compiled(text, schema)
    groups = tuple(
        tuple(_part(clause, text, schema) for clause in group)
        for group in alternatives(text, words)
    )
    paths = frozenset(path for _, path in _paths(words, schema))
    return Condition(text, schema, constant, paths, _literals(words), rule, groups)


def _literals(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.text[1:-1] for word in words if word.text[0] in "\"'")


def _part(clause: str, whole: str, schema: Schema) -> _Part:
    words = words_of(clause)
    asks = any(word.text == "$mentions" for word in words)
    return _Part(
        clause,
        rule_of(clause, whole, whole.find(clause), schema),
        tuple(dict.fromkeys(path for _, path in _paths(words, schema))),
        _literals(words) if asks else (),
    )


def _check_names(text: str, words: Sequence[Word], schema: Schema) -> None:
    known = list(schema.paths())
    for word in words:
        if word.kind == "attribute" and word.text[1:] not in _ATTRIBUTES:
            raise BadCondition(
                text, word.start, f"nothing has {word.text}", f"use {', '.join(_ATTRIBUTES)}"
            )
        if word.kind != "name" or word.text in _KEYWORDS:
            continue
        if word.text.startswith("$"):
            if word.text != "$mentions":
                raise BadCondition(
                    text, word.start, f"no function {word.text}",
                    'there is $mentions(ticket.text, ["律师", "媒体"])',
                )  # fmt: skip
        elif _path(word.text, schema) is None:
            near = difflib.get_close_matches(word.text, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "`huisheng rules facts` lists them"
            raise BadCondition(text, word.start, f"no fact {word.text!r}", hint)


def _paths(words: Sequence[Word], schema: Schema) -> Iterator[tuple[Word, str]]:
    for word in words:
        path = _path(word.text, schema) if word.kind == "name" else None
        if path is not None:
            yield word, path


def _path(name: str, schema: Schema) -> str | None:
    """The fact at the beginning of a name: `ticket.labels.length` begins with one."""
    subject, _, last = name.rpartition(".")
    if schema.kind_of(subject, last) is not None:
        return name
    if last in _ATTRIBUTES and subject:
        return _path(subject, schema)
    return None
