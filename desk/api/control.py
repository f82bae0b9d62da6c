"""What the API can do to agents and to calls in progress, and how it sees them.

The desk knows nothing of telephony: whoever serves the line gives the API an object that acts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NoReturn, Protocol

from desk.errors import NotPossibleNow

AgentStateName = Literal["ready", "ringing", "busy", "wrap_up", "away", "unreachable"]
PartyKind = Literal["caller", "agent", "supervisor"]
RecordingState = Literal["on", "paused", "off", "refused"]
TranscriptState = Literal["live", "afterwards", "off"]
TransferKind = Literal["blind", "attended"]
SupervisionMode = Literal["listen", "whisper", "barge"]


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent now.

    Attributes:
        skills: in the order of the configuration.
        reason: why the agent is in this state, as who set it said; `""` if nobody did.
        since: when this state began.
        call_id: the call that rings at the agent or that the agent is in.
    """

    extension: str
    name: str
    team: str
    skills: tuple[str, ...]
    state: AgentStateName
    reason: str
    since: datetime
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A caller who waits for an agent.

    Attributes:
        position: 1 for who is next.
        since: when the caller began to wait; a call-back keeps that of its first call.
        team: the team asked for; `""` for any.
        priority: higher goes first.
        expected_wait: seconds from now; None while nothing is known to expect.
    """

    call_id: str
    position: int
    since: datetime
    team: str = ""
    priority: int = 0
    expected_wait: float | None = None


@dataclass(frozen=True, slots=True)
class PartyView:
    """One who takes part in a talk.

    Attributes:
        extension: of an agent or a supervisor; `""` for the caller.
        mode: of a supervisor; None for others.
    """

    kind: PartyKind
    extension: str
    since: datetime
    held: bool = False
    mode: SupervisionMode | None = None


@dataclass(frozen=True, slots=True)
class TalkView:
    """A talk now.

    Attributes:
        held: the caller hears music.
        recording: `refused` by the caller, `paused` by an agent, else on or off.
        transcript: made live, afterwards from the recording, or not at all.
        consult: whom an agent consults before an attended transfer; `""` for nobody.
    """

    call_id: str
    parties: tuple[PartyView, ...]
    held: bool = False
    recording: RecordingState = "off"
    transcript: TranscriptState = "off"
    consult: str = ""


class CallControl(Protocol):
    """The line as the process that serves it can be told what to do.

    What is `async` has ten seconds, then it is cancelled and whoever asked is told to look.
    It returns when the thing is done, or, where a telephone has to be answered, when it rings;
    `actor` is who asked (a token's name, `agent:8001`, …). Raises:

    NoSuchLiveCall: this process serves no such call now.
    NoSuchAgent: no agent has this extension.
    NotPossibleNow: the call, the agent or the supervisor is not in a state for it.

    What is not `async` is answered from memory, at once.
    """

    def agents(self) -> Sequence[AgentView]:
        """All agents, by extension."""
        ...

    def queue(self) -> Sequence[WaitingView]:
        """All who wait, by position."""
        ...

    def talk(self, call_id: str) -> TalkView | None:
        """The talk of a live call; None if nobody talks, or there is no such call."""
        ...

    async def set_agent_state(
        self, extension: str, state: Literal["ready", "wrap_up", "away"], reason: str, *, actor: str
    ) -> None:
        """Change an agent's state; one who is in a call changes when it ends."""
        ...

    async def hold(self, call_id: str, *, actor: str) -> None:
        """Let the caller hear music and nobody hear the caller; twice is once."""
        ...

    async def resume(self, call_id: str, *, actor: str) -> None:
        """Bring a caller back from hold; twice is once."""
        ...

    async def transfer(self, call_id: str, to: str, kind: TransferKind, *, actor: str) -> None:
        """Hand the caller to another agent: at once, or after a consultation, in which the caller
        is on hold until `complete_transfer` or `cancel_transfer`.
        """
        ...

    async def complete_transfer(self, call_id: str, *, actor: str) -> None:
        """End a consultation: the caller talks to who was consulted."""
        ...

    async def cancel_transfer(self, call_id: str, *, actor: str) -> None:
        """End a consultation: the caller talks to the first agent again."""
        ...

    async def conference(self, call_id: str, to: str, *, actor: str) -> None:
        """Call another agent into the talk; during a consultation with this agent, bring all
        together.
        """
        ...

    async def drop(self, call_id: str, extension: str, *, actor: str) -> None:
        """Hang up on one agent; the talk of the others goes on."""
        ...

    async def hang_up(self, call_id: str, *, actor: str) -> None:
        """Hang up on the caller, in whatever stage."""
        ...

    async def pause_recording(self, call_id: str, *, actor: str) -> None:
        """Neither record nor transcribe nor note keys until told otherwise; twice is once."""
        ...

    async def resume_recording(self, call_id: str, *, actor: str) -> None:
        """Record and transcribe again; not possible for a caller who refused."""
        ...

    async def supervise(
        self, call_id: str, supervisor: str, mode: SupervisionMode, *, actor: str
    ) -> None:
        """Ring the supervisor, who then hears the talk (`listen`), is also heard by the agent
        (`whisper`), or by all (`barge`). For one who supervises already, change the mode.
        """
        ...

    async def stop_supervising(self, call_id: str, supervisor: str, *, actor: str) -> None:
        """Hang up on a supervisor."""
        ...


class NoControl:
    """A process that serves the API and no calls."""

    def agents(self) -> Sequence[AgentView]:
        """None."""
        return ()

    def queue(self) -> Sequence[WaitingView]:
        """Nobody."""
        return ()

    def talk(self, call_id: str) -> TalkView | None:
        """None."""
        return None

    async def set_agent_state(
        self, extension: str, state: Literal["ready", "wrap_up", "away"], reason: str, *, actor: str
    ) -> None:
        """Not here."""
        _serves_no_calls()

    async def hold(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def resume(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def transfer(self, call_id: str, to: str, kind: TransferKind, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def complete_transfer(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def cancel_transfer(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def conference(self, call_id: str, to: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def drop(self, call_id: str, extension: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def hang_up(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def pause_recording(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def resume_recording(self, call_id: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()

    async def supervise(
        self, call_id: str, supervisor: str, mode: SupervisionMode, *, actor: str
    ) -> None:
        """Not here."""
        _serves_no_calls()

    async def stop_supervising(self, call_id: str, supervisor: str, *, actor: str) -> None:
        """Not here."""
        _serves_no_calls()


def _serves_no_calls() -> NoReturn:
    raise NotPossibleNow(
        "this process serves no calls", "Ask the process that `huisheng run` started."
    )
