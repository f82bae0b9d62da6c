"""Text and JSON from outside, made storable: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""

from collections.abc import Mapping
from typing import Any

import orjson

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_KEPT = "\n\t\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}"


def storable(text: str, most: int) -> str:
    """`text` cut to `most` characters, with every control character but line feed and tab, and
    every lone surrogate, replaced by U+FFFD.
    """
    text = text[:most]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else REPLACEMENT for c in text)


def canonical(body: Any) -> str:
    """`body` as JSON with sorted keys and no spaces: the same bytes for the same content.

    Raises:
        TypeError: it holds something that JSON has no form for.
    """
    try:
        return _dumps(body)
    except TypeError:
        return _dumps(_cleaned(body))


def parsed(text: str) -> Any:
    """What `canonical` wrote."""
    return orjson.loads(text)


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _cleaned(value: Any) -> Any:
    """The same value with every text storable: hostile bytes must not stop a record."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_cleaned(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
