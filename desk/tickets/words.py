"""How the words of tickets are compared: by pairs of characters, in one width and case. Pure.

Chinese has no spaces between words, and most words have two characters: so pairs are what an index
can hold. Three-character indexes miss them, and PostgreSQL's own knows no Chinese in the C locale.
"""

import unicodedata
import zlib

from desk.masking import mask_text
from desk.region import locate

MOST_TEXT = 20_000
FEWEST_DIGITS = 4  # that may stand for a number's end
_SPOKEN = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")


def plain(text: str) -> str:
    """The text in half width and lower case."""
    return unicodedata.normalize("NFKC", text).casefold()


def digits_of(text: str) -> str:
    """A number as it is said, keyed or written: half width, Chinese digits as digits, no gaps."""
    half = unicodedata.normalize("NFKC", text)
    return "".join(half.split()).translate(_SPOKEN).replace("-", "")


def pairs(text: str) -> set[int]:
    """The pairs of characters in a text, each as a number of 31 bits; none across a gap."""
    found = set()
    for word in plain(text[:MOST_TEXT]).split():
        for place in range(len(word) - 1):
            found.add(zlib.crc32(word[place : place + 2].encode("utf-8", "replace")) & 0x7FFFFFFF)
    return found


def holds(text: str, word: str, *, masked: bool) -> bool:
    """Whether a text has a word (which is `plain`) in it, as its reader sees the text."""
    return word in plain(mask_text(text) if masked else text)


def number_pattern(digits: str, *, masked: bool) -> str:
    """The LIKE pattern for a number's end, or for all of it after a `+`. For a reader who sees
    numbers masked, what is hidden from him (digits 5 to 8 from the end) is any digit: nobody finds
    out by asking what he may not see.
    """
    if not masked:
        return digits
    sign, only = ("+", digits[1:]) if digits.startswith("+") else ("", digits)
    if len(only) <= 4:
        return digits
    hidden = len(only[:-4][-4:])
    return f"{sign}{only[:-8]}{'_' * hidden}{only[-4:]}"


def phone_patterns(phone: str, masked: bool) -> list[str]:
    """LIKE patterns of the numbers that somebody may mean: those that end so, and the one that is
    written so (`022-5345…` is +86225345…). None for what is no number, or too little of one.
    """
    digits = phone if phone.startswith("+") else digits_of(phone)
    if len(digits) < FEWEST_DIGITS or not (digits.isascii() and digits.lstrip("+").isdigit()):
        return []
    if digits.startswith("+"):
        return [number_pattern(digits, masked=masked)]
    patterns = [f"%{number_pattern(digits, masked=masked)}"]
    whole = locate(digits).e164
    if whole and not whole.endswith(digits):
        patterns.append(number_pattern(whole, masked=masked))
    return patterns


def spelled_out(text: str) -> list[list[str]]:
    """A telephone number that is written with gaps (`138 1234 5678`), as the one word it is; none
    where the text is no such number.
    """
    digits = digits_of(text)
    return [[digits]] if len(text.split()) > 1 and locate(digits).e164 else []


def fits(e164: str, pattern: str) -> bool:
    """What LIKE says of a number, which has no characters of its own to be escaped."""
    ending = pattern.removeprefix("%")
    end = e164[-len(ending) :] if ending != pattern else e164
    return len(end) == len(ending) and all(
        one in ("_", other) for one, other in zip(ending, end, strict=True)
    )
