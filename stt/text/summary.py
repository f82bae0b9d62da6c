"""What a call is about, in one line: the caller's first sentence without its greeting.

Recognised speech has no punctuation, there an utterance is a sentence.
"""

import re
from collections.abc import Sequence

from stt.text.said import CALLER, Said

MOST_CHARACTERS = 40
LEAST_CHARACTERS = 4
"""Shorter sentences (嗯对, 我是) say nothing yet: the next one is taken along."""

_SENTENCES = re.compile(r"[^。！？!?;；\n]+")
_GREETING = re.compile(
    r"(?:[\s,，、.。]|喂+|哎+|诶+|欸+|嗯+|啊|呃|那个|您好|你好|早上好|上午好|中午好|下午好|晚上好|"
    r"大家好|客服(?:小姐|先生|您好|你好)?|小姐|先生|女士|师傅|美女|同志|请问(?:一下)?|麻烦(?:您|你)?(?:一下)?|"
    r"不好意思|打扰(?:一下|了)|(?:能)?听(?:得)?(?:见|到)吗|(?:这里|你们|这)?是客服吗)+"
)
_EDGE = " \t,，、:：.-—…"
_RUN = re.compile(r"[0-9A-Za-z]+$")


def summary(said: Sequence[Said]) -> str:
    """At most 40 characters, a cut marked by …; empty if the caller said nothing but greetings."""
    text = ""
    for sentence in _caller_sentences(said):
        rest = _without_greeting(sentence)
        if rest:
            text = f"{text},{rest}" if text else rest
        if len(text) >= LEAST_CHARACTERS:
            break
    return cut(text)


def cut(text: str, most: int = MOST_CHARACTERS) -> str:
    """`text`, or its beginning with … in `most` characters; a number is shown whole or not."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    run = _RUN.search(kept)
    if run and run.start() > 0 and re.match("[0-9A-Za-z]", text[most - 1]):
        kept = kept[: run.start()]
    return kept.rstrip(_EDGE) + "…"


def _caller_sentences(said: Sequence[Said]) -> list[str]:
    return [
        sentence for one in said if one.party == CALLER for sentence in _SENTENCES.findall(one.text)
    ]


def _without_greeting(sentence: str) -> str:
    found = _GREETING.match(sentence)
    return (sentence[found.end() :] if found else sentence).strip(_EDGE)
