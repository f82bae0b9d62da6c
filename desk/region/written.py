"""From the many ways a caller id is written to a plain dial string.

A trunk, a SIP header, a spreadsheet or a paste may give `02253456789`, `"Li" <sip:+86…@host>`,
`tel:+86…`, `(022) 5345-6789 转 8001` or full-width digits. Nothing here knows a numbering plan.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

MAX_CHARACTERS = 256  # longer than any caller id; a longer one is not read

# What `dial_string` answers when there is no number; never equal to a dial string.
HIDDEN: Final = "hidden"
GARBLED: Final = "garbled"  # printable, with digits, but no number
UNREADABLE: Final = "unreadable"  # too long, control characters, broken UTF-8, or no digit

_HIDDEN_WORDS = frozenset(
    {
        "",
        "anonymous",
        "restricted",
        "unavailable",
        "private",
        "unknown",
        "none",
        "null",
        "nil",
        "withheld",
        "hidden",
        "blocked",
        "n/a",
        "na",
        "nobody",
        "unidentified",
        "out-of-area",
        "unknown number",
        "no caller id",
        "private number",
        "number withheld",
        "out of area",
        "not available",
        "未知",
        "未知号码",
        "未知来电",
        "匿名",
        "匿名号码",
        "匿名来电",
        "隐藏",
        "隐藏号码",
        "号码隐藏",
        "私密号码",
        "私人号码",
        "保密",
        "保密号码",
        "无号码",
        "无主叫",
        "无主叫号码",
        "无来电显示",
        "无法显示",
        "不显示号码",
        "未显示号码",
    }
)
_HIDDEN_HOST = "anonymous.invalid"  # RFC 3323 §4.1.1.3
_NAME_ADDR = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[^<>"]*)\s*<([^<>]*)>[^<>]*')  # RFC 3261 §25.1
_SCHEME = re.compile(r"(sips?|tel):(.*)", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?P<number>\+?[0-9 ()./-]{3,40}?) ?(?:转|分机|;? ?ext[.=: ]?|[x#,*]) ?[0-9]{1,6}",
    re.IGNORECASE,
)
_EXTENSION_DASHED = re.compile(r"(?P<number>\(?0[0-9]{2,3}\)?[- ][0-9]{7,8})-[0-9]{1,6}")
_SEPARATORS = str.maketrans("", "", " -()./")
_MAX_DIGITS = 40
# Marks that come along when a number is pasted from a contact list or a chat.
_INVISIBLE = dict.fromkeys(
    [0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_TO_PLAIN = (
    _INVISIBLE
    | _FULL_WIDTH
    | {0x2010: 0x2D, 0x2011: 0x2D, 0x2012: 0x2D, 0x2013: 0x2D, 0x2014: 0x2D}
)


def dial_string(caller_id: str) -> str:
    """The digits of a caller id, with a `+` before them if it was there; else HIDDEN, GARBLED or
    UNREADABLE. Extensions behind a number are dropped. Never raises, whatever the text.
    """
    if len(caller_id) > MAX_CHARACTERS:
        return UNREADABLE
    text = caller_id
    if not text.isascii():
        text = text.translate(_TO_PLAIN)
    text = text.strip(" ")
    if not text.isprintable():  # control characters, line breaks, unpaired surrogates
        return UNREADABLE
    if digits := _digits(text):
        return digits
    text = _addressed(text)
    if digits := _digits(text):
        return digits
    if _is_hidden(text):
        return HIDDEN
    if extension := _EXTENSION.fullmatch(text):
        text = extension["number"]
    if digits := _digits(text):
        return digits
    has_digit = any(unicodedata.decimal(character, None) is not None for character in text)
    return GARBLED if has_digit else UNREADABLE


def _digits(text: str) -> str:
    """The text without separators if only digits and a leading `+` remain, else `""`."""
    if text.count("-") > 1 and (extension := _EXTENSION_DASHED.fullmatch(text)):
        text = extension["number"]
    digits = text.translate(_SEPARATORS)
    bare = digits[1:] if digits[:1] == "+" else digits
    return digits if bare.isdigit() and bare.isascii() and len(bare) <= _MAX_DIGITS else ""


def _addressed(text: str) -> str:
    """The user part of a SIP or tel address (RFC 3261, RFC 3966), or the text itself."""
    if name_addr := _NAME_ADDR.fullmatch(text):
        text = name_addr[1].strip(" ")
    scheme = _SCHEME.fullmatch(text)
    if scheme is None:
        return text
    rest = scheme[2]
    if scheme[1].lower() == "tel":
        return rest.partition(";")[0]
    user, at, host = rest.partition("@")
    if host.lower().startswith(_HIDDEN_HOST):
        return "anonymous"
    if not at:
        return "sip:" + rest  # a host without a user: no number in it
    user = user.partition(";")[0].partition(":")[0]
    return unquote(user) if "%" in user else user


def _is_hidden(text: str) -> bool:
    return text.strip("<>\"' ").lower() in _HIDDEN_WORDS
