"""The digest of a call: what it is about, and the numbers the caller gave.

`Extractive` takes everything from the words themselves. A digester that asks a language model, or
one with a classifier, is a class with the same two members; `digest_of` falls back to `Extractive`
when it fails or is late, and `Digest.engine` says who wrote the words.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from stt.text.numbers import Found, numbers_and_orders
from stt.text.said import CALLER, Said
from stt.text.summary import summary

log = logging.getLogger(__name__)
DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Digest:
    """What a call comes to.

    summary: one line, empty if the caller said nothing. engine: what produced it.
    """

    summary: str
    numbers: tuple[Found, ...]
    order_ids: tuple[Found, ...]
    engine: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Label:
    """A class that a text may have, and how likely it is, 0 … 1."""

    name: str
    probability: float


class Digester(Protocol):
    """Something that writes digests."""

    @property
    def name(self) -> str:
        """Who it is, with its version: `extractive 1`, a model's name. Goes into `engine`."""

    async def digest(self, call: Sequence[Said]) -> Digest:
        """The digest of a call, or of a message (one utterance of the caller)."""


class Classifier(Protocol):
    """Something that says what kind of complaint a text is."""

    @property
    def name(self) -> str:
        """Who it is, with its version."""

    async def classify(self, call: Sequence[Said]) -> tuple[Label, ...]:
        """The likely classes, likeliest first."""


class Extractive:
    """Takes the first sentence and the numbers out of the words; needs no model."""

    name = "extractive 1"

    async def digest(self, call: Sequence[Said]) -> Digest:
        """Never fails."""
        return self.digest_now(call)

    def digest_now(self, call: Sequence[Said]) -> Digest:
        """The same without waiting: it takes milliseconds."""
        numbers, order_ids = numbers_and_orders(call)
        return Digest(summary(call), numbers, order_ids, self.name)


EXTRACTIVE = Extractive()


async def digest_of(
    call: Sequence[Said],
    digester: Digester = EXTRACTIVE,
    deadline: float = DEADLINE_SECONDS,
) -> Digest:
    """The digest by `digester`, or the extractive one if that fails or takes over `deadline`
    seconds: a call never goes without."""
    try:
        async with asyncio.timeout(deadline):
            return await digester.digest(call)
    except Exception as error:  # noqa: BLE001 - whatever a plugged-in digester raises
        log.warning(
            "digester %s did not deliver (%s: %s); %s takes its place",
            digester.name,
            type(error).__name__,
            error,
            EXTRACTIVE.name,
        )
        return EXTRACTIVE.digest_now(call)


def of_message(text: str) -> tuple[Said, ...]:
    """A message on the machine, or any text of the caller's, as a call of one utterance."""
    return (Said(CALLER, text),)
