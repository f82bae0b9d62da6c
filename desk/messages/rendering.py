"""Filling templates. A template comes from the configuration, what fills it from anybody: a
customer's words are data, whatever they look like, and are never read as a template.

A template may show fields, choose between words (`{{ customer or '您好' }}`) and leave parts out
(`{% if link %}…{% endif %}`); nothing else of the template language is open.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desk.text import storable

FIELDS: Mapping[str, int] = {
    "company": 20,
    "customer": 20,
    "number": 18,
    "subject": 40,
    "solution": 80,
    "status": 10,
    "team": 20,
    "link": 90,
    "text": 120,
}
"""What a template may show, and how many characters of it an SMS shows at most."""
EMAIL_TIMES = 20
"""So many times as much of a field fits into an e-mail."""

SIGNATURE = "【{}】"
_OPEN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If,
    nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Compare, nodes.Operand,
)  # fmt: skip
_FORGING = str.maketrans("【】", "[]")  # only we sign

_environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False
)


class TemplateError(ValueError):
    """A template cannot be used; says where and what to write instead."""


@lru_cache(maxsize=256)
def checked(source: str) -> Template:
    """The template, if it shows only fields that there are.

    Raises:
        TemplateError: it is no template, or uses what is not open.
    """
    try:
        tree = _environment.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(
            f"line {error.lineno}: {error.message}; see docs/messages.md"
        ) from error
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _OPEN):
            raise TemplateError(
                f"line {node.lineno}: {type(node).__name__.lower()} is not possible in a message;"
                " show fields, `or`, and {% if … %}"
            )
        if isinstance(node, nodes.Name) and node.name not in FIELDS:
            raise TemplateError(
                f"line {node.lineno}: there is no field {node.name!r}; choose from"
                f" {', '.join(FIELDS)}"
            )
    return _environment.from_string(source)


def rendered(source: str, fields: Mapping[str, str], times: int = 1) -> str:
    """The template filled; a field that is not given is empty, one that is too long is cut.

    Args:
        times: how often the fields' usual length may be used.

    Raises:
        TemplateError: see `checked`.
    """
    given = {name: value_of(fields.get(name, ""), most * times) for name, most in FIELDS.items()}
    return checked(source).render(given).strip()


def value_of(text: str, most: int) -> str:
    """Anybody's words as one line of at most `most` characters that forges no signature."""
    line = re.sub(r"\s+", " ", text).strip().translate(_FORGING)
    line = storable(line, len(line))
    return line if len(line) <= most else line[: most - 1] + "…"
