"""Masking numbers and names for eyes that need not see them.

What is masked cannot be told from the result: four digits of a number, all of a name but its
first character. The region is resolved before masking; these digits are what would tell it.
"""

import re
from collections.abc import Mapping
from typing import Any

_DIGIT = "[\\d零〇一二三四五六七八九幺两]"
_LONG_NUMBER = re.compile(rf"\+?\d(?:[\d\- ]{{5,}}\d)|{_DIGIT}(?:[\- ]?{_DIGIT}){{6,}}")
_GROWING = re.compile(rf"{_DIGIT}[\- ]*{_DIGIT}(?:[\- ]*{_DIGIT})*|{_DIGIT}[\- ]*$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+\-]\d\d:\d\d)")
_NUMBER = re.compile(r"[+\d\s()\-]+")
_WITHHELD = {"", "anonymous", "restricted", "unavailable", "unknown", "private"}
_KEEP = 4
_MASKED = 4

_NUMBERS = {"caller_id", "e164", "numbers"}
_NAMES = {"name"}
_EMAILS = {"email"}
_SAFE = {"call_id", "channel_id", "leg", "number", "sha256", "hash", "engine", "kind", "id",
         "scopes", "labels", "survivor", "other"}  # fmt: skip
_TOLD_APART = {"words"}  # single words would give the digits of a spoken number away


def mask_number(number: str) -> str:
    """`+8613812345678` → `+86138****5678`. Numbers of up to six digits are nobody's own."""
    if not _NUMBER.fullmatch(number):
        return number if number.lower() in _WITHHELD else mask_name(number)
    places = [place for place, char in enumerate(number) if char.isdigit()]
    if len(places) <= 6:
        return number
    hidden = set(places[-_KEEP - _MASKED : -_KEEP])
    return "".join("*" if place in hidden else char for place, char in enumerate(number))


def mask_name(name: str) -> str:
    """`张小明` → `张**`."""
    return name[:1] + "*" * min(len(name) - 1, 3)


def mask_email(email: str) -> str:
    """`zhang@example.com` → `z***@example.com`."""
    user, at, domain = email.partition("@")
    return f"{user[:1]}***{at}{domain}" if user else email


def mask_text(text: str) -> str:
    """Running text with every number of seven digits or more masked, spoken ones too."""
    return _LONG_NUMBER.sub(_mask_found, text)


def mask_growing(text: str) -> str:
    """Words that are still being spoken, with every run of two digits or more hidden whole, and a
    digit at the end: of a number that grows from text to text, the parts would show all of it.
    """
    return _GROWING.sub(lambda found: "*" * len(found[0].rstrip()), text)


def mask_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """A timeline entry's body, masked; what a key does not vouch for counts as running text."""
    return {key: _mask(key, value) for key, value in body.items()}


def shows_number(key: str, text: str) -> bool:
    """Whether a text under this key of a body holds a number in full."""
    if key in _SAFE or key in _NAMES or _MOMENT.fullmatch(text):
        return False
    whole = key in _NUMBERS and _NUMBER.fullmatch(text)
    return (mask_number(text) if whole else mask_text(text)) != text


def _mask(key: str, value: Any) -> Any:
    if key in _TOLD_APART:
        return []
    if isinstance(value, Mapping):
        return mask_body(value)
    if isinstance(value, list | tuple):
        return [_mask(key, item) for item in value]
    if not isinstance(value, str) or key in _SAFE or _MOMENT.fullmatch(value):
        return value
    if key in _NUMBERS:
        return mask_number(value)
    if key in _NAMES:
        return mask_name(value)
    if key in _EMAILS:
        return mask_email(value)
    return mask_text(value)


def _mask_found(found: re.Match[str]) -> str:
    text = found[0]
    if _NUMBER.fullmatch(text):
        return mask_number(text)
    shown = [place for place, char in enumerate(text) if char not in " -"][-_KEEP:]
    return "".join(
        char if char in " -" or place in shown else "*" for place, char in enumerate(text)
    )
