"""The `queue:` section of config.yaml: how callers wait and how agents are chosen."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ari_app.ivr.settings import Key

DEFAULT = "default"
"""The rule of teams that have none of their own, and of callers who ask for no team."""


class Requirement(StrEnum):
    """What a step of a rule may hold to."""

    TEAM = "team"
    REGION = "region"
    SKILL = "skill"
    LANGUAGE = "language"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepSettings(_Section):
    """From `after` seconds of waiting on, an agent must fulfil `need` and nothing more."""

    after: float = Field(ge=0, le=86_400)
    need: list[Requirement]


def _rule(steps: list[StepSettings]) -> list[StepSettings]:
    if steps[0].after != 0:
        raise ValueError("the first step must have `after: 0`: it holds when a caller comes")
    for earlier, later in pairwise(steps):
        if later.after <= earlier.after:
            raise ValueError(f"after {later.after:g} must be later than {earlier.after:g}")
        added = set(later.need) - set(earlier.need)
        if added:
            raise ValueError(
                f"after {later.after:g} asks for {', '.join(sorted(added))}, which the step before"
                " does not; a step may only ask for less"
            )
    return steps


_STEPS = [
    StepSettings(after=0, need=list(Requirement)),
    StepSettings(after=60, need=[Requirement.TEAM, Requirement.SKILL, Requirement.LANGUAGE]),
    StepSettings(after=120, need=[Requirement.SKILL]),
]


class QueueSettings(_Section):
    """How callers wait and how agents are chosen; docs/queue.md says what each means."""

    most_waiting: int = Field(default=200, ge=1, le=10_000)
    most_wait_seconds: int = Field(default=600, ge=5, le=86_400)
    announce_seconds: int = Field(default=30, ge=5, le=600)
    message_key: Key | None = "1"
    callback_key: Key | None = "2"
    wrap_up_seconds: float = Field(default=10, ge=0, le=3600)
    unanswered_rings: int = Field(default=2, ge=0, le=20)
    unanswered_pause_seconds: float = Field(default=300, ge=1, le=86_400)
    unreachable_pause_seconds: float = Field(default=60, ge=1, le=86_400)
    avoid_seconds: float = Field(default=30, ge=1, le=3600)
    priority_seconds: float = Field(default=60, ge=0, le=3600)
    urgent_priority: int = Field(default=5, ge=0, le=100)
    vip_levels: dict[Annotated[str, Field(min_length=1)], Annotated[int, Field(ge=0, le=100)]] = {
        "金牌": 10
    }
    rules: dict[str, Annotated[list[StepSettings], Field(min_length=1)]] = {DEFAULT: _STEPS}

    @model_validator(mode="after")
    def _one_meaning_per_key(self) -> "QueueSettings":
        if self.message_key is not None and self.message_key == self.callback_key:
            raise ValueError(f"key {self.message_key} cannot mean both: change `callback_key`")
        return self

    @field_validator("rules")
    @classmethod
    def _relaxing(cls, rules: dict[str, list[StepSettings]]) -> dict[str, list[StepSettings]]:
        if DEFAULT not in rules:
            raise ValueError("the rule `default` is missing; add it")
        for name, steps in rules.items():
            try:
                _rule(steps)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return rules

    def rule_for(self, team: str) -> list[StepSettings]:
        """The steps for callers who need `team`."""
        return self.rules.get(team, self.rules[DEFAULT])
