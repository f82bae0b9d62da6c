"""What a test caller does on the line: whom to dial, as whom, and then step by step."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

KEYS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay silent for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Press:
    """Press telephone keys one after another (RFC 4733 events, or SIP INFO without privileges)."""

    keys: str

    def __post_init__(self) -> None:
        if not self.keys or set(self.keys) - set(KEYS):
            raise ValueError(f"{self.keys!r} is not a row of telephone keys; use {KEYS}")


@dataclass(frozen=True, slots=True)
class Speak:
    """Say `text` in Mandarin (espeak-ng)."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play a headerless 8 kHz A-law file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Tone:
    """Sound a sine of `hz` for `seconds`: what arrives can be told from everything else."""

    hz: float
    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Hang up now. The last step; also what happens after the last step when none is named."""


@dataclass(frozen=True, slots=True)
class ExpectBye:
    """Wait until the other side hangs up; hang up ourselves after `seconds`. The last step."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUpWhileRinging:
    """Give up (CANCEL) `seconds` after dialling unless the call was answered. The only step."""

    seconds: float


Step: TypeAlias = Wait | Press | Speak | Play | Tone | HangUp | ExpectBye | HangUpWhileRinging


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call.

    caller, dialled: user parts of the From and request URIs. Text is percent-encoded where SIP
        wants it; bytes go out exactly as they are, for hostile callers.
    display_name: text is quoted as RFC 3261 wants; bytes go out as they are.
    privacy: withhold the number (anonymous From, `Privacy: id`, the number in
        P-Asserted-Identity as a carrier sends it).
    headers: additional (name, value) pairs of the INVITE.
    answer_seconds: give up (CANCEL) when nobody has answered for so long.
    sparse: send no packets in silence, after the first few that open the path: cheap load
        for measurements. A real telephone sends silence, and a recording needs it.
    """

    caller: str | bytes
    dialled: str | bytes
    steps: tuple[Step, ...] = ()
    display_name: str | bytes = ""
    privacy: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    answer_seconds: float = 30.0
    sparse: bool = False

    def __post_init__(self) -> None:
        for place, step in enumerate(self.steps):
            if isinstance(step, HangUp | ExpectBye) and place != len(self.steps) - 1:
                raise ValueError(f"{step} ends a call: it must be the last step")
            if isinstance(step, HangUpWhileRinging) and len(self.steps) != 1:
                raise ValueError(f"{step} happens before the answer: it must be the only step")

    @property
    def script(self) -> "CallPlan":
        """The plan without the words that tell one caller from another: calls with equal scripts
        can share one SIPp."""
        return replace(self, caller="", dialled="", display_name="")
