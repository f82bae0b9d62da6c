"""An agent, as the queue knows one: whom it can serve, and what it does now."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self

from asterisk_conf.settings import AgentSettings


class AgentState(StrEnum):
    """What an agent does. Only a `READY` one is offered to callers."""

    READY = "ready"
    RINGING = "ringing"  # the phone rings for one caller
    BUSY = "busy"  # talks
    WRAP_UP = "wrap_up"  # writes up the talk that ended; ready again by itself
    AWAY = "away"  # said so; ready again only when told
    UNREACHABLE = "unreachable"  # the phone did not answer; ready again by itself


@dataclass(frozen=True, slots=True)
class Agent:
    """Who can serve whom. Empty `regions` mean callers from everywhere."""

    extension: str
    name: str = ""
    team: str = ""
    skills: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()  # area codes (022) and provinces (河北)
    languages: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: AgentSettings) -> Self:
        """The agent of config.yaml."""
        return cls(
            extension=settings.extension,
            name=settings.name,
            team=settings.team,
            skills=frozenset(settings.skills),
            regions=frozenset(settings.regions),
            languages=frozenset(settings.languages),
        )


@dataclass(frozen=True, slots=True)
class AgentStanding:
    """What an agent does, why, and since when.

    Attributes:
        reason: a word for people and reports: the reason given for being away, or how the last
            ring ended (`no_answer`, `rejected`, `busy`, `unreachable`); `""` if there is none.
        since: aware; when `state` began.
        call_id: whom the phone rings for or who is talked to; `""` otherwise.
        leaving: the agent goes away when the present call ends.
    """

    agent: Agent
    state: AgentState
    reason: str
    since: datetime
    call_id: str = ""
    leaving: bool = False


class Row(Protocol):
    """An agent's state as the desk keeps it."""

    @property
    def extension(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def since(self) -> datetime: ...  # noqa: D102
