"""The `sla:` section of config.yaml: service levels as data; docs/sla.md says what each means."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT = "default"
"""The calendar of teams that have none of their own, and of tickets without a team."""

Hours = Annotated[
    str,
    Field(pattern=r"^(closed|([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00))$"),
]
Word = Annotated[str, Field(min_length=1, max_length=60)]
Level = Annotated[int, Field(ge=1, le=4)]


class Target(StrEnum):
    """What a policy may set a time for."""

    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"
    HAND_OVER = "hand_over"


class Role(StrEnum):
    """Whom a step of the escalation chain goes to, in the order of the chain."""

    AGENT = "agent"
    LEAD = "lead"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"


def share_of(due: timedelta, share: float) -> timedelta:
    """A share of a duration, to the second."""
    return timedelta(seconds=round(due.total_seconds() * share))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepSettings(_Section):
    """One step of escalation: at a share of the due time, or so long after it (before: negative).
    Both are measured by the target's clock, so a pause of the clock puts the step off too."""

    to: Role
    share: float | None = Field(default=None, gt=0, le=20)
    after_minutes: int | None = Field(default=None, ge=-525_600, le=525_600)

    @model_validator(mode="after")
    def _one_time(self) -> "StepSettings":
        if (self.share is None) == (self.after_minutes is None):
            raise ValueError("needs either `share` of the due time or `after_minutes` beyond it")
        return self

    def threshold(self, due: timedelta) -> timedelta:
        """How much of the clock's time passes before the step."""
        if self.share is not None:
            return share_of(due, self.share)
        return due + timedelta(minutes=self.after_minutes or 0)


_CHAIN = [
    StepSettings(to=Role.AGENT, share=0.75),
    StepSettings(to=Role.LEAD, share=1),
    StepSettings(to=Role.SUPERVISOR, share=1.5),
    StepSettings(to=Role.MANAGER, share=2),
]


class TargetSettings(_Section):
    """How long something may take, by which clock, and who hears when it takes longer.

    `steps` empty or missing: nobody is told, it only turns amber and red.
    """

    due_minutes: int = Field(ge=1, le=525_600)
    clock: Literal["wall", "working"] = "wall"
    amber: float = Field(default=0.75, gt=0, le=1)
    steps: list[StepSettings] = []

    @model_validator(mode="after")
    def _ascending(self) -> "TargetSettings":
        roles = list(Role)
        for step in self.steps:
            if step.threshold(self.due) <= timedelta():
                raise ValueError(
                    f"the step to {step.to} is due before the clock starts; due_minutes is"
                    f" {self.due_minutes}"
                )
        for earlier, later in pairwise(self.steps):
            if roles.index(later.to) <= roles.index(earlier.to):
                raise ValueError(
                    f"{later.to} cannot come after {earlier.to}: steps go to {' → '.join(roles)},"
                    " each once"
                )
            if later.threshold(self.due) <= earlier.threshold(self.due):
                raise ValueError(f"the step to {later.to} must be later than that to {earlier.to}")
        return self

    @property
    def due(self) -> timedelta:
        """The time allowed."""
        return timedelta(minutes=self.due_minutes)


class PolicySettings(_Section):
    """Times for the tickets that fulfil every condition; a condition left empty is fulfilled.

    `regions` are area codes or provinces, `customer_levels` the customer's value as imported,
    `levels` the ticket's (1 is the gravest), `types` keys of `tickets.types`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
    regions: list[Word] = []
    customer_levels: list[Word] = []
    levels: list[Level] = []
    types: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]] = []
    targets: dict[Target, TargetSettings] = Field(min_length=1)

    @property
    def unconditional(self) -> bool:
        """Whether every ticket fulfils it."""
        return not (self.regions or self.customer_levels or self.levels or self.types)


class HoursSettings(_Section):
    """Working hours. `workday` follows the Chinese calendar with its make-up days (调休);
    `restday` is every other day, `dates` go before both. `22:00-06:00` ends on the next day."""

    workday: list[Hours] = ["09:00-18:00"]
    restday: list[Hours] = ["closed"]
    dates: dict[date, list[Hours]] = {}


class CalendarHours(_Section):
    """When a team works."""

    timezone: str | None = None
    hours: HoursSettings = HoursSettings()

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone named {value!r}; use one like Asia/Shanghai") from error
        return value

    @property
    def opens(self) -> bool:
        """Whether there is any working time, single dates apart."""
        return any(hours != "closed" for hours in (*self.hours.workday, *self.hours.restday))


class CalendarSettings(CalendarHours):
    """When a team works. No `timezone`: `company.timezone`. No `file`: `ivr.calendar_file`."""

    file: Path | None = None


def _target(minutes: int, amber: float = 0.75) -> TargetSettings:
    return TargetSettings(due_minutes=minutes, amber=amber, steps=_CHAIN)


_POLICIES = [
    PolicySettings(
        name="grave",
        levels=[1],
        targets={
            Target.FIRST_RESPONSE: _target(30),
            Target.RESOLUTION: _target(4 * 60),
            Target.HAND_OVER: _target(15),
        },
    ),
    PolicySettings(
        name="serious",
        levels=[2],
        targets={
            Target.FIRST_RESPONSE: _target(60),
            Target.RESOLUTION: _target(8 * 60),
            Target.HAND_OVER: _target(30),
        },
    ),
    PolicySettings(
        name="tianjin",
        regions=["022"],
        targets={
            Target.FIRST_RESPONSE: _target(60),
            Target.RESOLUTION: _target(12 * 60),
            Target.HAND_OVER: _target(30),
        },
    ),
    PolicySettings(
        name="standard",
        targets={
            Target.FIRST_RESPONSE: _target(2 * 60),
            Target.RESOLUTION: _target(24 * 60),
            Target.HAND_OVER: _target(60),
        },
    ),
]


class ServiceLevels(_Section):
    """Policies: the first whose conditions all hold is a ticket's."""

    policies: list[PolicySettings] = Field(default=_POLICIES, min_length=1)

    @field_validator("policies")
    @classmethod
    def _reachable(cls, policies: list[PolicySettings]) -> list[PolicySettings]:
        names = [policy.name for policy in policies]
        for place, policy in enumerate(policies):
            if policy.name in names[:place]:
                raise ValueError(f"two policies are named {policy.name!r}; rename one")
            if policy.unconditional and place < len(policies) - 1:
                raise ValueError(
                    f"{names[place + 1]} is never reached: {policy.name} before it has no"
                    " conditions; put that one last"
                )
        if not policies[-1].unconditional:
            raise ValueError(
                f"{names[-1]}, the last policy, has conditions, so some tickets would have none;"
                " add one without conditions"
            )
        return policies

    def policy_names(self) -> Sequence[str]:
        """The names in order."""
        return [policy.name for policy in self.policies]


class SlaSettings(ServiceLevels):
    """Service levels with the calendars of the teams."""

    calendars: dict[Word, CalendarSettings] = {DEFAULT: CalendarSettings()}

    @field_validator("calendars")
    @classmethod
    def _usable(cls, calendars: dict[str, CalendarSettings]) -> dict[str, CalendarSettings]:
        check_calendars(calendars)
        return calendars


def check_calendars(calendars: Mapping[str, CalendarHours]) -> None:
    """Calendars with which every clock goes on.

    Raises:
        ValueError: the default is missing, or one never opens.
    """
    if DEFAULT not in calendars:
        raise ValueError("the calendar `default` is missing; add it")
    for name, calendar in calendars.items():
        if not calendar.opens:
            raise ValueError(f"{name}: never opens, so no working time passes; give hours")
