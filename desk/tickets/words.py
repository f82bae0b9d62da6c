"""How the words of tickets are compared: by pairs of characters, in one width and case. Pure.

Chinese has no spaces between words, and most words have two characters: so pairs are what an index
can hold. Three-character indexes miss them, and PostgreSQL's own knows no Chinese in the C locale.
"""

import unicodedata
import zlib

from desk.masking import mask_text

MOST_TEXT = 20_000
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
