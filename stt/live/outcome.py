"""How a live stream ends, and who is told what it hears."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stt.transcript import Utterance


class Why(StrEnum):
    """Why a stream gave up; its call is then transcribed from the recording."""

    NOTHING = ""
    BEHIND = "behind"  # more speech was waiting than may wait
    STALLED = "stalled"  # the engine did not come back
    ENGINE = "engine"  # the engine failed
    LATE = "late"  # the last words were not there by the deadline
    STOPPED = "stopped"  # the pool was closed, or the stream abandoned


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stream ended.

    `complete`: everything that was fed and not paused was recognised; else `why` says what came
    in between, and `utterances` are those until then. `seconds` of audio were fed.
    """

    complete: bool
    why: Why
    seconds: float
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what a stream hears; called in the event loop, in order."""

    on_partial: Callable[[str], None] = lambda _: None
    on_utterance: Callable[[Utterance], None] = lambda _: None
    on_gave_up: Callable[[Why], None] = lambda _: None
