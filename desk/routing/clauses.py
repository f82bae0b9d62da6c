"""The text of a condition taken apart: its words with their positions, and its clauses.

Only what can neither fail nor take long is let through: comparisons, `and`, `or`, `not`, `in`,
plus and minus, lists that are written out. No patterns (a regular expression can run for hours on
a caller's words), no loops, no powers, no indexes, no functions but ours.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desk.routing.errors import BadCondition

MOST_TEXT = 4000
MOST_WORDS = 600
MOST_DEPTH = 20  # parentheses in parentheses
MOST_JOINTS = 60  # and, or, not, in and operators together: each makes the tree deeper

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<literal>[dt]?"[^"\\\n]*"|[dt]?'[^'\\\n]*')
      | (?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?(?![0-9A-Za-z_.]))
      | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<attribute>\.[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator>==|!=|<=|>=|<(?![<])|>(?![>])|\+|-)
      | (?P<mark>[()\[\],])""",
    re.VERBOSE,
)
_JOINTS = frozenset({"and", "or", "not", "in"})
_FORBIDDEN = {
    "=~": "patterns can take very long on a caller's words",
    "=~~": "patterns can take very long on a caller's words",
    "!~": "patterns can take very long on a caller's words",
    "/": "division can fail",
    "%": "division can fail",
    "*": "only + and - are there",
    "{": "write a list: [..., ...]",
    "?": "write two rules instead",
    "&": "write `and`",
    "|": "write `or`",
    "=": "compare with ==",
    "!": "write `not`, or compare with !=",
    "\\": "a text is written as it is, without backslashes",
    "#": "a comment stands outside of the condition",
}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a condition: what it is (the name of a group of the pattern), and where."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def words_of(text: str) -> list[Word]:
    """The words of a condition.

    Raises:
        BadCondition: it is empty, too long, too deep, or holds what conditions cannot have.
    """
    if len(text) > MOST_TEXT:
        raise BadCondition(
            text, MOST_TEXT, f"longer than {MOST_TEXT} characters", "make two rules of it"
        )
    words = list(_cut(text))
    if not words:
        raise BadCondition(text, 0, "an empty condition", "write `true` for always")
    if len(words) > MOST_WORDS:
        raise BadCondition(
            text, words[MOST_WORDS].start, f"more than {MOST_WORDS} words", "make two rules of it"
        )
    _not_too_deep(text, words)
    return words


def _cut(text: str) -> Iterator[Word]:
    position = 0
    before: Word | None = None
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise _stranger(text, position)
        kind = str(found.lastgroup)
        word = Word(kind, found[0], position)
        position = found.end()
        if kind == "space":
            continue
        if word.text == "[" and before is not None and _is_value(before):
            raise BadCondition(
                text, word.start, "an index, which may lead nowhere", "use `in` instead"
            )
        if kind == "name" and word.text.partition(".")[0] in ("for", "if", "null", "nan", "inf"):
            raise BadCondition(
                text, word.start, f"{word.text!r} is not there in conditions",
                "every fact has a value; compare it",
            )  # fmt: skip
        yield word
        before = word


def _is_value(word: Word) -> bool:
    return (
        word.kind in ("literal", "number", "attribute")
        or word.text in (")", "]")
        or (word.kind == "name" and word.text not in _JOINTS)
    )


def _stranger(text: str, position: int) -> BadCondition:
    rest = text[position:]
    if rest[0] in "\"'":
        if "\\" in rest.partition("\n")[0]:
            mend = "a text is written as it is, without backslashes"
        else:
            mend = "end the text with the same quote, on the same line"
        return BadCondition(text, position, "a text that does not end", mend)
    if rest[0].isdigit():
        return BadCondition(
            text, position, "a number that cannot be read", "at most 12 digits, like 3 or 0.5"
        )
    for length in (3, 2, 1):
        if rest[:length] in _FORBIDDEN:
            what = f"{rest[:length]!r} is not there in conditions"
            return BadCondition(text, position, what, _FORBIDDEN[rest[:length]])
    mend = "put texts in quotes; operators are == != < <= > >= + - in and or not"
    return BadCondition(text, position, f"{rest[0]!r} has no meaning here", mend)


def _not_too_deep(text: str, words: Sequence[Word]) -> None:
    depth = joints = 0
    for word in words:
        if word.text in ("(", "["):
            depth += 1
        elif word.text in (")", "]"):
            depth -= 1
        joints += word.kind == "operator" or word.text in _JOINTS
        if depth > MOST_DEPTH or joints > MOST_JOINTS:
            raise BadCondition(text, word.start, "too much in one condition", "make two rules")
        if depth < 0:
            raise BadCondition(
                text, word.start, f"{word.text!r} closes nothing", "remove it, or open it before"
            )
    if depth:
        raise BadCondition(text, len(text), "a bracket is not closed", "close it")


def alternatives(text: str, words: Sequence[Word]) -> tuple[tuple[str, ...], ...]:
    """The clauses: the condition holds if all of one of these groups do."""
    return tuple(
        tuple(text[part[0].start : part[-1].end] for part in _split(group, "and") if part)
        for group in _split(words, "or")
        if group
    )


def _split(words: Sequence[Word], joint: str) -> Iterator[list[Word]]:
    """The parts between joints that stand in no bracket."""
    depth = 0
    part: list[Word] = []
    for word in words:
        if word.text in ("(", "["):
            depth += 1
        elif word.text in (")", "]"):
            depth -= 1
        if depth == 0 and word.kind == "name" and word.text == joint:
            yield part
            part = []
        else:
            part.append(word)
    yield part
