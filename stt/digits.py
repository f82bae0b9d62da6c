"""Digit runs of a transcript as people write them: 订单号三八六零二九七 → 订单号3860297.

Only runs of single digits are touched, as telephone and order numbers are read out. Everything
that is a number by its words (三百五十六), a phrase (不管三七二十一) or an estimate (五六七天)
stays as it was said: converting free Chinese text ruins ordinary words (一直 → 1直).
"""

import re
from itertools import pairwise

DIGITS = dict(zip("零〇幺一二三四五六七八九", "001123456789", strict=True))
SHORTEST_RUN = 3
NUMBER_WORDS = "十百千万亿廿卅两几多半第"
"""Beside one of these a run is part of a number word."""

IDIOMS = ("七七八八", "三三五五", "三六九等", "一五一十", "三三两两", "一二三产业")
_ZEROS = "零〇幺"
_RUN = re.compile(f"[{''.join(DIGITS)}]{{{SHORTEST_RUN},}}")


def written(text: str) -> str:
    """`text` with its digit runs as ASCII digits, one digit per character, nothing else changed."""
    idioms = [
        (found.start(), found.end())
        for idiom in IDIOMS
        for found in re.finditer(re.escape(idiom), text)
    ]

    def as_digits(run: re.Match[str]) -> str:
        inside = any(start < run.end() and run.start() < end for start, end in idioms)
        if inside or _is_number_word(text, run) or _counts_up(run[0]):
            return run[0]
        return "".join(DIGITS[character] for character in run[0])

    return _RUN.sub(as_digits, text)


def _is_number_word(text: str, run: re.Match[str]) -> bool:
    before, after = text[: run.start()], text[run.end() :]
    decimal = len(before) > 1 and before[-1] == "点" and before[-2] in DIGITS
    fraction = after.startswith(("分之", "点")) or before.endswith("分之")
    return before[-1:] in {*NUMBER_WORDS} or after[:1] in {*NUMBER_WORDS} or decimal or fraction


def _counts_up(run: str) -> bool:
    """三四五 may be an estimate; a number that is read out seldom counts up."""
    if any(character in _ZEROS for character in run):
        return False
    values = [int(DIGITS[character]) for character in run]
    return all(b == a + 1 for a, b in pairwise(values))
