"""Telephone numbers and order ids in what a caller said.

Digits are those that `stt.digits.written` writes. A number that is read out in pieces, with a
"嗯" of the agent between them, is one number. Nothing is guessed: a run of digits that is no
Chinese telephone number and follows no word like 订单号 is left alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stt.digits import DIGITS, written
from stt.text.said import CALLER, Said

MOST_FOUND = 20
"""Of each kind, in one call."""
SHORTEST_ORDER = 6
_GO_ON = re.compile("(?:嗯|啊|哦|噢|好|好的|对|对的|是|是的|行|您说|你说|请讲|继续|[ ,,。])*")
"""What the other party may say while a number is read out."""

_PHONE = re.compile(
    r"(?:(?:\+|00)?86)?0?1[3-9]\d{9}"  # mobile; trunks and people put a zero before it
    r"|0(?:10|2\d)\d{8}|0[3-9]\d{2}\d{7,8}"  # land line with its area code
    r"|[48]00\d{7}"
)
_DIGITS = re.compile(r"(?<![0-9A-Za-z])\+?\d(?:[ -]?\d)+(?![0-9A-Za-z])")
_BLANKS = re.compile("[ -]")
_ORDER_WORDS = (
    "订单编号|订单号码?|工单编号|工单号码?|流水号|运单号|快递单号|保单号|合同号|编号|单号|订单"
)
_ORDER = re.compile(
    rf"(?:{_ORDER_WORDS})(?:[\s::,，]|是|为|呢|啊|的|尾号)*"
    r"((?=[0-9A-Za-z -]*\d{3})[0-9A-Za-z](?:[ -]?[0-9A-Za-z]){5,19})(?![0-9A-Za-z])"
)
_ASKED_ORDER = re.compile(rf"(?:{_ORDER_WORDS})\D{{0,12}}$")
_ANSWER = re.compile(
    r"^(?:[\s,，]|嗯|啊|哦|好的?|对|行|您记一下|你记一下|是)*"
    r"((?=[0-9A-Za-z -]*\d{3})[0-9A-Za-z](?:[ -]?[0-9A-Za-z]){5,19})(?![0-9A-Za-z])"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A number as it is dialled or looked up (no blanks or hyphens), and where it was said.

    utterance: index of the utterance in which it begins. start, end: characters of that
    utterance; `end` is its last character there if the number goes on in a later one.
    """

    value: str
    utterance: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Turn:
    """Utterances of the caller that follow one another but for interjections, as one text.

    places: utterance and character for each character of `text`.
    joints: where an utterance begins. asked: what the other party said last before it.
    """

    text: str
    places: tuple[tuple[int, int], ...]
    joints: frozenset[int]
    asked: str


def numbers_and_orders(said: Sequence[Said]) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    """The telephone numbers and the order ids, each value once, in the order they were said."""
    phones: dict[str, Found] = {}
    orders: dict[str, Found] = {}
    for turn in _turns(said):
        taken: set[int] = set()
        for value, start, end in _orders(turn):
            taken.update(range(start, end))
            orders.setdefault(value, _found(turn, value, start, end))
        for value, start, end in _phones(turn):
            if taken.isdisjoint(range(start, end)):
                phones.setdefault(value, _found(turn, value, start, end))
    return tuple(phones.values())[:MOST_FOUND], tuple(orders.values())[:MOST_FOUND]


def _turns(said: Sequence[Said]) -> Iterator[_Turn]:
    pieces: list[int] = []
    asked = between = ""
    for index, one in enumerate(said):
        if one.party != CALLER:
            between += one.text
            continue
        if pieces and not _GO_ON.fullmatch(between):
            yield _turn(said, pieces, asked)
            pieces = []
        if not pieces:
            asked = between
        pieces.append(index)
        between = ""
    if pieces:
        yield _turn(said, pieces, asked)


def _turn(said: Sequence[Said], pieces: Sequence[int], asked: str) -> _Turn:
    """Utterances that split a number are joined without a seam, others by a line break."""
    text, places, joints = "", [], set()
    for index in pieces:
        words = said[index].text
        if text and not (_is_digit(text[-1]) and _is_digit(words[:1])):
            text += "\n"
            places.append((index, 0))
        joints.add(len(text))
        text += words
        places += [(index, position) for position in range(len(words))]
    # Written here once more: a run of two digits at a joint is a number only in the whole.
    return _Turn(written(text), tuple(places), frozenset(joints), asked)


def _is_digit(character: str) -> bool:
    return character in DIGITS or (character.isascii() and character.isdigit())


def _phones(turn: _Turn) -> Iterator[tuple[str, int, int]]:
    for run in _DIGITS.finditer(turn.text):
        inside = range(run.start() + 1, run.end())
        edges = [i for i in inside if i in turn.joints or turn.text[i - 1] == " "]
        yield from _phones_between(turn.text, [run.start(), *edges, run.end()])


def _phones_between(text: str, edges: list[int]) -> Iterator[tuple[str, int, int]]:
    """The longest telephone numbers that begin and end at an edge."""
    first = 0
    while first < len(edges) - 1:
        for last in range(len(edges) - 1, first, -1):
            piece = text[edges[first] : edges[last]].rstrip(" ")
            value = _BLANKS.sub("", piece)
            if _PHONE.fullmatch(value):
                yield value, edges[first], edges[first] + len(piece)
                first = last - 1
                break
        first += 1


def _orders(turn: _Turn) -> Iterator[tuple[str, int, int]]:
    found = list(_ORDER.finditer(turn.text))
    if _ASKED_ORDER.search(turn.asked) and (answer := _ANSWER.match(turn.text)):
        found.insert(0, answer)
    for one in found:
        start, end = one.span(1)
        # An order id, and then at once a telephone number: that one is read out in its own breath.
        for joint in (j for j in turn.joints if start < j < end):
            if _PHONE.fullmatch(_BLANKS.sub("", turn.text[joint:end])):
                end = joint
        value = _BLANKS.sub("", turn.text[start:end]).upper()
        if len(value) >= SHORTEST_ORDER:
            yield value, start, end


def _found(turn: _Turn, value: str, start: int, end: int) -> Found:
    utterance, first = turn.places[start]
    last = max(position for index, position in turn.places[start:end] if index == utterance)
    return Found(value, utterance, first, last + 1)
