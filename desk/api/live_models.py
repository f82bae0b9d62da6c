"""What the API returns of the line now, and what it takes to change it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from desk.api.control import (
    AgentStateName,
    AgentView,
    PartyKind,
    PartyView,
    RecordingState,
    SupervisionMode,
    TalkView,
    TranscriptState,
    TransferKind,
    WaitingView,
)
from desk.masking import mask_text

Extension = Annotated[
    str, Field(pattern=r"^[0-9]{2,8}$", description="an agent's or a supervisor's extension")
]


class AgentOut(BaseModel):
    """An agent now. An agent's own name is the house's, and shown to all who may read agents."""

    extension: str
    name: str
    team: str
    skills: list[str]
    state: AgentStateName
    reason: str = Field(description="why, as who set the state said")
    since: datetime
    call_id: str | None = Field(description="the call that rings at the agent, or is talked in")

    @classmethod
    def of(cls, agent: AgentView, masked: bool) -> Self:
        """From the line's view."""
        return cls(
            extension=agent.extension,
            name=agent.name,
            team=agent.team,
            skills=list(agent.skills),
            state=agent.state,
            reason=mask_text(agent.reason) if masked else agent.reason,
            since=agent.since,
            call_id=agent.call_id,
        )


class AgentsOut(BaseModel):
    """All agents, by extension."""

    items: list[AgentOut]


class WaitingOut(BaseModel):
    """A caller who waits for an agent."""

    call_id: str
    position: int = Field(description="1 for who is next")
    since: datetime
    team: str = Field(description="the team asked for; empty for any")
    priority: int = Field(description="higher goes first")
    expected_wait: float | None = Field(description="seconds from now; null while unknown")

    @classmethod
    def of(cls, waiting: WaitingView) -> Self:
        """From the line's view."""
        return cls(
            call_id=waiting.call_id,
            position=waiting.position,
            since=waiting.since,
            team=waiting.team,
            priority=waiting.priority,
            expected_wait=waiting.expected_wait,
        )


class QueueOut(BaseModel):
    """All who wait, by position."""

    items: list[WaitingOut]


class PartyOut(BaseModel):
    """One who takes part in a talk."""

    kind: PartyKind
    extension: str = Field(description="empty for the caller")
    since: datetime
    held: bool
    mode: SupervisionMode | None = Field(description="of a supervisor")

    @classmethod
    def of(cls, party: PartyView) -> Self:
        """From the line's view."""
        return cls(
            kind=party.kind,
            extension=party.extension,
            since=party.since,
            held=party.held,
            mode=party.mode,
        )


class TalkOut(BaseModel):
    """A talk now."""

    call_id: str
    parties: list[PartyOut]
    held: bool = Field(description="the caller hears music")
    recording: RecordingState
    transcript: TranscriptState
    consult: str = Field(description="who is consulted before an attended transfer; or empty")

    @classmethod
    def of(cls, talk: TalkView) -> Self:
        """From the line's view."""
        return cls(
            call_id=talk.call_id,
            parties=[PartyOut.of(party) for party in talk.parties],
            held=talk.held,
            recording=talk.recording,
            transcript=talk.transcript,
            consult=talk.consult,
        )


class AfterOut(BaseModel):
    """A call after it was told to do something."""

    call_id: str
    talk: TalkOut | None = Field(description="null where nobody talks now, as after hanging up")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewState(_Body):
    """The state that an agent shall be in."""

    state: Literal["ready", "away", "wrap_up"]
    reason: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = (
        Field("", description="why; shown to who reads agents")
    )


class Transfer(_Body):
    """Where to, and how."""

    to: Extension
    kind: TransferKind = Field("blind", description="attended: consult first")


class Conference(_Body):
    """Who is called into the talk."""

    to: Extension


class Drop(_Body):
    """Who shall leave the talk."""

    extension: Extension


class Supervise(_Body):
    """Who supervises, and how."""

    supervisor: Extension
    mode: SupervisionMode = Field(
        "listen", description="whisper: the agent hears the supervisor; barge: all do"
    )


class StopSupervising(_Body):
    """Which supervisor shall leave."""

    supervisor: Extension
