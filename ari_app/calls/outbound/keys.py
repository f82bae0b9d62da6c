"""Questions to somebody whom we called: only a key that was pressed after the question began
counts.

A machine that talks presses nothing. What was pressed before a question, or in the moment when it
began, is no answer to it and is forgotten.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from ari_app.ari import ChannelDtmfReceived, Playback
from ari_app.calls.call import Call
from ari_app.calls.line import Line
from ari_app.calls.sound import GRACE_SECONDS

log = structlog.get_logger()

EARLIEST_SECONDS = 0.3
"""Nobody has understood a question sooner."""
BETWEEN_DIGITS_SECONDS = 4.0
MOST_DIGITS = 18
END = "#"


@dataclass(frozen=True)
class Question:
    """What is played: media URIs and, about, for how many seconds."""

    media: list[str]
    seconds: float

    @classmethod
    def of(cls, line: Line, *names: str) -> "Question":
        """A question made of prompts."""
        media = [line.prompts.media(name) for name in names]
        return cls(media, sum(line.prompts.seconds(name) for name in names))


async def ask_key(
    call: Call, question: Question, keys: Collection[str], answer_seconds: float, asks: int
) -> str:
    """Put a question up to `asks` times; the first of `keys` that is pressed, `""`: none was.

    Raises:
        HungUp: nobody is there any more.
    """
    for _ in range(asks):
        key = await _once(call, question, keys, answer_seconds)
        if key:
            return key
    return ""


async def ask_digits(call: Call, question: Question, answer_seconds: float) -> str:
    """Put a question, and take in digits up to # or a pause; `""`: none came.

    Raises:
        HungUp: nobody is there any more.
    """
    digits = await _once(call, question, "0123456789", answer_seconds)
    while digits and len(digits) < MOST_DIGITS:
        digit = await _next_key(call, BETWEEN_DIGITS_SECONDS)
        if digit in ("", END):
            break
        digits += digit if digit.isdigit() else ""
    return digits


async def _once(
    call: Call, question: Question, keys: Collection[str], answer_seconds: float
) -> str:
    await call.lease.cover(question.seconds + answer_seconds)
    while call.events.waiting():  # whatever came before the question
        await call.next_event(0)
    loop = asyncio.get_running_loop()
    playback: Playback | None = await call.channel.play(question.media)
    began = loop.time()
    ends = began + question.seconds + GRACE_SECONDS
    while (left := ends - loop.time()) > 0:
        event = await call.next_event(left)
        if isinstance(event, ChannelDtmfReceived):
            if event.digit in keys and loop.time() - began >= EARLIEST_SECONDS:
                if playback is not None:
                    await playback.stop(wait=False)
                return event.digit
        elif playback is not None and playback.is_over:
            playback = None
            ends = loop.time() + answer_seconds
    if playback is not None:
        log.error("playback did not end", call=call.id)
    return ""


async def _next_key(call: Call, seconds: float) -> str:
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while (left := ends - loop.time()) > 0:
        event = await call.next_event(left)
        if isinstance(event, ChannelDtmfReceived):
            return event.digit
    return ""
