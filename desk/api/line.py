"""What the API needs to know of the telephone line, which the desk itself knows nothing of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """The speech model in use. `notice` is what its users must be told of it, or `""`."""

    name: str
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One health check. `mend` says what to do where it is not `ok`; `needed` is False for what
    callers are served without."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class TargetState:
    """A target of the CRM bridge: whether the last attempt reached it."""

    name: str
    state: Literal["unknown", "up", "down", "disabled"]
    detail: str = ""


class LineStatus(Protocol):
    """The line as the process that serves it sees it. Answers come from memory, at once."""

    @property
    def company(self) -> str:
        """Whose line it is."""
        ...

    def where_to_call(self) -> Sequence[str]:
        """SIP addresses that reach the line."""
        ...

    def live_calls(self) -> Collection[str]:
        """Ids of the calls that this process serves now."""
        ...

    def speech(self) -> SpeechModel | None:
        """The speech model; None where nothing is transcribed."""
        ...

    def targets(self) -> Sequence[TargetState]:
        """The targets of the CRM bridge."""
        ...

    async def findings(self) -> Sequence[Finding]:
        """Checks of what the line needs; the API waits two seconds at most."""
        ...


class NoLine:
    """A process that serves the API and no calls."""

    company = ""

    def where_to_call(self) -> Sequence[str]:
        """Nowhere."""
        return ()

    def live_calls(self) -> Collection[str]:
        """None."""
        return ()

    def speech(self) -> SpeechModel | None:
        """None."""
        return None

    def targets(self) -> Sequence[TargetState]:
        """None."""
        return ()

    async def findings(self) -> Sequence[Finding]:
        """Nothing to check."""
        return ()
