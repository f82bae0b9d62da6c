"""Why a ticket goes where it goes, as the API tells it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from desk.masking import mask_text
from desk.routing import Decision, Explained, Route
from desk.routing.assign import Chosen
from desk.routing.condition import Clause
from desk.routing.decide import RuleTold


class ClauseOut(BaseModel):
    """A clause of a condition, as it came out."""

    text: str
    holds: bool
    values: dict[str, Any] = Field(description="of the facts that it asks about")
    mentioned: list[str] = Field(description="words that were heard")

    @classmethod
    def of(cls, clause: Clause, masked: bool) -> Self:
        """From the desk's clause."""
        values = {path: _shown(value, masked) for path, value in clause.values.items()}
        return cls(
            text=clause.text, holds=clause.holds, values=values, mentioned=list(clause.mentioned)
        )


class RuleOut(BaseModel):
    """How a rule came out."""

    name: str
    asked: bool = Field(description="false after one that decided")
    holds: bool
    clauses: list[ClauseOut] = Field(description="the first that does not hold is where it failed")

    @classmethod
    def of(cls, told: RuleTold, masked: bool) -> Self:
        """From the desk's rule."""
        why = told.why
        clauses = why.clauses if why is not None else ()
        return cls(
            name=told.name,
            asked=told.asked,
            holds=why is not None and why.holds,
            clauses=[ClauseOut.of(clause, masked) for clause in clauses],
        )


class PassedOut(BaseModel):
    """Somebody who was not chosen, and why."""

    name: str
    why: str


class ChosenOut(BaseModel):
    """Who gets it, and why."""

    assignee: str = Field(description="empty: the team, until somebody takes it")
    why: str
    passed: list[PassedOut]

    @classmethod
    def of(cls, chosen: Chosen) -> Self:
        """From the desk's choice."""
        passed = [PassedOut(name=name, why=why) for name, why in chosen.passed]
        return cls(assignee=chosen.assignee, why=chosen.why, passed=passed)


class DecisionOut(BaseModel):
    """What the rules give a ticket."""

    rules: list[str] = Field(description="that held, in their order")
    type: str
    team: str
    place: str = Field(description="why this team: `rule x`, `region 022`, `default`")
    skill: str
    level: int
    priority: int
    policy: str = Field("", description="of the service levels, in place of their conditions")
    confirm: str
    watchers: list[str]

    @classmethod
    def of(cls, decision: Decision | Mapping[str, Any]) -> Self:
        """From the desk's decision, or as it was kept."""
        names = cls.model_fields
        if isinstance(decision, Decision):
            return cls(**{name: getattr(decision, name) for name in names})
        return cls(**{name: decision[name] for name in names if name in decision})


class ExplainedOut(BaseModel):
    """What routing would do now, and why."""

    edition: int = Field(description="0 for a rule set that is not in force")
    decision: DecisionOut
    level: int = Field(description="that the ticket would have")
    level_name: str
    priority: int
    chosen: ChosenOut
    rules: list[RuleOut]

    @classmethod
    def of(cls, found: Explained, masked: bool) -> Self:
        """From the desk's explanation."""
        return cls(
            edition=found.edition,
            decision=DecisionOut.of(found.decision),
            level=found.level,
            level_name=found.flow.name if found.flow is not None else "",
            priority=found.priority,
            chosen=ChosenOut.of(found.chosen),
            rules=[RuleOut.of(rule, masked) for rule in found.rules],
        )


class RouteOut(BaseModel):
    """What routing decided for a ticket the last time."""

    edition: int
    team: str = Field(description="where it put the ticket; it may have gone elsewhere since")
    assignee: str
    decision: DecisionOut
    routed_at: datetime

    @classmethod
    def of(cls, route: Route) -> Self:
        """From the desk's route."""
        return cls(
            edition=route.edition,
            team=route.team,
            assignee=route.assignee,
            decision=DecisionOut.of(route.decision),
            routed_at=route.routed_at,
        )


class TicketRoutingOut(BaseModel):
    """How a ticket was routed, and how it would be now. Both null without a rule set in force."""

    last: RouteOut | None
    now: ExplainedOut | None


def _shown(value: Any, masked: bool) -> Any:
    if isinstance(value, str):
        return mask_text(value) if masked else value
    return [_shown(each, masked) for each in value] if isinstance(value, list | tuple) else value
