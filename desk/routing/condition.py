"""Conditions in rules: `ticket.type == "complaint" and $mentions(ticket.text, ["律师", "媒体"])`.

The language is that of rule-engine, cut down to what always ends soon and cannot fail (see
`clauses`), and checked against the types of the facts (see `schema`). What callers said and wrote
is only ever data: it is compared, never read as a part of a condition.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import rule_engine
from rule_engine import DataType, ast
from rule_engine.builtins import Builtins
from rule_engine.errors import EngineError

from desk.routing.clauses import Word, alternatives, words_of
from desk.routing.errors import BadCondition
from desk.routing.schema import FACTS, SCHEMA, Kind, Schema, typed, value_of

MOST_SHOWN = 60  # characters of a value in an explanation

_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: DataType.STRING,
    Kind.NUMBER: DataType.FLOAT,
    Kind.YES_NO: DataType.BOOLEAN,
    Kind.MOMENT: DataType.DATETIME,
    Kind.TEXTS: DataType.ARRAY(DataType.STRING),
}
_WORDS: Mapping[str, str] = {
    "STRING": "a text",
    "FLOAT": "a number",
    "BOOLEAN": "yes or no",
    "DATETIME": "a moment",
    "TIMEDELTA": "a duration",
    "ARRAY": "a list",
}
_ATTRIBUTES = frozenset({"length", "is_empty", "starts_with", "ends_with"})
_KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether a text has one of the words, in any width and case."""
    plain = _plain(text)
    return any(_plain(word) in plain for word in words if word)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


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
    rule = _rule(text, text, 0, schema)
    expression = rule.statement.expression
    for node in _nodes(expression):
        _check_node(text, node)
    if expression.result_type != DataType.BOOLEAN:
        raise BadCondition(
            text, words[0].start, f"it is {_word(expression.result_type)}, not yes or no",
            "compare it with something: == 3",
        )  # fmt: skip
    groups = tuple(
        tuple(_part(clause, text, schema) for clause in group)
        for group in alternatives(text, words)
    )
    constant = expression.value if isinstance(expression, ast.BooleanExpression) else None
    try:
        rule.evaluate({})
    except EngineError as error:
        raise BadCondition(text, 0, error.message, "compare things of one type") from error
    paths = frozenset(path for _, path in _paths(words, schema))
    return Condition(text, schema, constant, paths, _literals(words), rule, groups)


def _literals(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple(word.text[1:-1] for word in words if word.text[0] in "\"'")


def _part(clause: str, whole: str, schema: Schema) -> _Part:
    words = words_of(clause)
    asks = any(word.text == "$mentions" for word in words)
    return _Part(
        clause,
        _rule(clause, whole, whole.find(clause), schema),
        tuple(dict.fromkeys(path for _, path in _paths(words, schema))),
        _literals(words) if asks else (),
    )


def _rule(text: str, whole: str, offset: int, schema: Schema) -> Any:
    try:
        return rule_engine.Rule(text, context=_context(schema))
    except EngineError as error:
        token = getattr(error, "token", None)
        at = offset + (token.lexpos if token is not None else 0)
        mend = "look at this place and the one before it"
        if token is None and "EOF" in error.message:
            at, mend = len(whole), "something is missing at the end"
        what = error.message.partition(" at: ")[0]
        raise BadCondition(whole, at, what, mend) from error


@lru_cache(maxsize=32)
def _context(schema: Schema) -> rule_engine.Context:
    fields = DataType.OBJECT(
        "ticket.fields",
        {name: _TYPES[kind] for name, kind in schema.fields},
        accessor=partial(_get, schema, "ticket.fields"),
    )
    subjects: dict[str, Any] = {}
    for subject, facts in FACTS.items():
        attributes = {name: _TYPES[fact.kind] for name, fact in facts.items()}
        if subject == "ticket":
            attributes["fields"] = fields
        accessor = partial(_get, schema, subject)
        subjects[subject] = DataType.OBJECT(subject, attributes, accessor=accessor)
    context = rule_engine.Context(
        resolver=_resolve,
        type_resolver=rule_engine.type_resolver_from_dict(subjects),
        default_timezone="utc",
    )
    context.builtins = Builtins(
        {"mentions": mentions},
        value_types={
            "mentions": DataType.FUNCTION(
                "mentions",
                return_type=DataType.BOOLEAN,
                argument_types=(DataType.STRING, DataType.ARRAY(DataType.STRING)),
            )
        },
    )
    return context


def _resolve(facts: Mapping[str, Any], name: str) -> Any:
    return _shown(facts.get(name))


def _shown(found: Any) -> Any:
    """A proxy, for rule-engine would copy a plain dict, long texts included."""
    return MappingProxyType(found if isinstance(found, dict) else {})


def _get(schema: Schema, subject: str, value: Any, name: str) -> Any:
    found = value.get(name) if isinstance(value, Mapping) else None
    kind = schema.kind_of(subject, name)
    if kind is None:  # ticket.fields itself
        return _shown(found)
    return typed(kind, found)


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


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    names = ("left", "right", "object", "container", "member", "function", "arguments", "value")
    for name in names:
        found = getattr(node, name, None)
        for each in found if isinstance(found, list | tuple) else (found,):
            if isinstance(each, ast.ExpressionBase):
                yield from _nodes(each)


def _check_node(text: str, node: Any) -> None:
    """Refuse what rule-engine takes and then finds never to hold."""
    if isinstance(node, ast.LogicExpression):
        _must_be_yes_no(text, node.left, node.right)
    elif isinstance(node, ast.UnaryExpression) and node.type == "not":
        _must_be_yes_no(text, node.right)
    elif isinstance(node, ast.ComparisonExpression):
        if not DataType.is_compatible(node.left.result_type, node.right.result_type):
            what = f"{_named(node.left)} is compared with {_named(node.right)}"
            raise BadCondition(text, _place(text, node.left, node.right), what, "compare likes")
    elif isinstance(node, ast.ContainsExpression):
        container = node.container.result_type
        wanted = DataType.STRING if container == DataType.STRING else container.value_type
        if not DataType.is_compatible(wanted, node.member.result_type):
            what = f"{_named(node.member)} cannot be in {_named(node.container)}"
            raise BadCondition(
                text, _place(text, node.member, node.container), what, "look for likes in a list"
            )


def _must_be_yes_no(text: str, *nodes: Any) -> None:
    for node in nodes:
        if node.result_type != DataType.BOOLEAN:
            raise BadCondition(
                text, _place(text, node), f"{_named(node)} is not yes or no",
                "compare it with something: == 3",
            )  # fmt: skip


def _named(node: Any) -> str:
    path = _dotted(node)
    return f"{path} ({_word(node.result_type)})" if path else _word(node.result_type)


def _dotted(node: Any) -> str:
    if isinstance(node, ast.SymbolExpression):
        return str(node.name)
    if isinstance(node, ast.GetAttributeExpression):
        before = _dotted(node.object)
        return f"{before}.{node.name}" if before else ""
    return ""


def _place(text: str, *nodes: Any) -> int:
    for node in nodes:
        path = _dotted(node)
        if path and path in text:
            return text.find(path)
    return 0


def _word(kind: Any) -> str:
    return _WORDS.get(kind.name, kind.name.lower())
