"""rule-engine as conditions use it: facts with their types, our one function, and refusing what it
takes and then finds never to hold.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import rule_engine
from rule_engine import DataType, ast
from rule_engine.builtins import Builtins
from rule_engine.errors import EngineError

from desk.routing.errors import BadCondition
from desk.routing.schema import FACTS, Kind, Schema, typed

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


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether a text has one of the words, in any width and case."""
    plain = _plain(text)
    return any(_plain(word) in plain for word in words if word)


@lru_cache(maxsize=64)  # a ticket's words, for every rule that asks about them
def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def compiled(text: str, schema: Schema) -> tuple[Any, bool | None]:
    """A condition for `evaluate`, and what it always is, whatever the facts.

    Raises:
        BadCondition: it compares what cannot be compared, or is not yes or no.
    """
    rule = rule_of(text, text, 0, schema)
    expression = rule.statement.expression
    for node in _nodes(expression):
        _check_node(text, node)
    if expression.result_type != DataType.BOOLEAN:
        raise BadCondition(
            text, 0, f"it is {_word(expression.result_type)}, not yes or no",
            "compare it with something: == 3",
        )  # fmt: skip
    try:
        rule.evaluate({})
    except EngineError as error:
        raise BadCondition(text, 0, error.message, "compare things of one type") from error
    constant = expression.value if isinstance(expression, ast.BooleanExpression) else None
    return rule, constant


def rule_of(text: str, whole: str, offset: int, schema: Schema) -> Any:
    """rule-engine's rule for a text that is a part of `whole`, from `offset` on.

    Raises:
        BadCondition: it cannot be read, or names or compares what it cannot.
    """
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
