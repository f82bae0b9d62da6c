"""What pydantic finds wrong with config.yaml, as a sentence that says the mend."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ari_app.problem import Problem, nearest

FORMS: Mapping[str, str] = {
    r"^[a-z][a-z0-9_]{0,30}$": "lower-case letters, digits and _, beginning with a letter",
    r"^[a-z][a-z0-9_-]{0,30}$": "lower-case letters, digits, _ and -, beginning with a letter",
    r"^[0-9*#]$": "one key of a telephone in quotes: 0-9, * or #",
    r"^0[0-9]{2,3}$": 'an area code with its zero, in quotes: "022"',
    r"^[0-9]{2,8}$": 'two to eight digits in quotes: "8001"',
    r"^(closed|([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00))$": (
        'hours as "09:00-18:00" (two digits each), or "closed"'
    ),
    r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$": (
        'hours as "21:00-08:00" (two digits each)'
    ),
    r"^(postgresql://.*|sqlite:///.*)?$": "postgresql://user@host/name, sqlite:///path or empty",
    r"^(sip:[A-Za-z0-9._-]+@[A-Za-z0-9.:\[\]-]+)?$": "a SIP address as sip:8001@192.0.2.7:5060",
    r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$": "an address as https://hui.example.cn, or empty",
    r"^[A-Za-z0-9.-]+$": "a host name or an address",
    r"^[A-Za-z0-9._+-]{1,64}$": "letters, digits and . _ + - (at most 64)",
    r"^[\w·.'()’ -]+$": "a name: letters, digits, spaces and · . ' ( ) -",
    r"^\+?[0-9]{3,20}$": 'a number of three to twenty digits in quotes: "4001234567"',
    r"^[0-9]{1,12}$": 'the first digits of a number, in quotes: "0"',
    r"^[A-Za-z0-9+_-]{2,40}$": "a voice that `espeak-ng --voices` lists, as cmn-latn-pinyin",
}
"""What a text must be, by the pattern it must match."""

_SENTENCES: Mapping[str, str] = {
    "missing": "this setting is missing; add it",
    "string_type": "must be a text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be a path, as a text",
    "list_type": "must be a list, as [a, b]",
    "dict_type": "must be a mapping, as {key: value}",
    "model_type": "must be a mapping of settings",
    "date_type": "must be a date, as 2026-12-31",
    "date_parsing": "must be a date that exists, as 2026-12-31",
    "date_from_datetime_parsing": "must be a date that exists, as 2026-12-31",
    "date_from_datetime_inexact": "must be a date without a time, as 2026-12-31",
    "ip_any_address": "must be an IP address, as 127.0.0.1",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} of them, has {actual_length}",
    "too_long": "may have at most {max_length} of them, has {actual_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters; shorten it",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} is missing; add it",
}


def problems(model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """A problem per finding in `error`, which validating `model` raised."""
    return [Problem(e["loc"], _sentence(model, e)) for e in error.errors()]


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return unknown_setting(str(error["loc"][-1]), settings_at(model, error["loc"][:-1]))
    context = error.get("ctx", {})
    if error["type"] == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        said = f"must be {FORMS.get(pattern, 'a text that matches ' + pattern)}"
    elif error["type"] in _SENTENCES:
        said = _SENTENCES[error["type"]].format(**context)
    else:
        said = error["msg"].removeprefix("Value error, ")
    return said + _found(error)


def _found(error: ErrorDetails) -> str:
    """The value as it was read, if it is short enough to be recognised."""
    value = error["input"]
    if error["type"] == "value_error" or isinstance(value, Mapping | list | BaseModel):
        return ""
    return f" (found {'nothing' if value is None else repr(value)[:60]})"


def unknown_setting(name: str, known: Sequence[str]) -> str:
    """A sentence for a setting that nobody reads."""
    near = nearest(name, known)
    if near is None:
        return "unknown setting; remove it or correct its name"
    return f"unknown setting; did you mean {near!r}?"


def settings_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The names of the settings that may stand at `location`; empty if that is no section."""
    sections = [model]
    for part in location:
        inner = [
            field
            for section in sections
            for name, field in section.model_fields.items()
            if name == part
        ]
        if inner:  # else an index, a key of a mapping or a union's tag: the same models go on
            sections = [m for field in inner for m in _models(field.annotation)]
    return [name for section in sections for name in section.model_fields]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models within a type such as `dict[str, list[Model]] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
