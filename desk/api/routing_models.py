"""What the API takes and returns of routing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from desk.house import FieldSettings, House
from desk.masking import mask_text
from desk.routing import Decision, Edition, Explained, Finding, Route
from desk.routing.assign import Chosen
from desk.routing.condition import Clause
from desk.routing.decide import RuleTold
from desk.routing.schema import FACTS, Schema

MOST_CONTENT = 60_000

Content = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CONTENT)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewLevel(_Body):
    """A level, and why."""

    level: int = Field(ge=1, le=4, description="1 is the gravest")
    reason: Words


class NewPriority(_Body):
    """A priority, and why."""

    priority: int = Field(ge=0, le=100, description="the higher, the sooner it is taken")
    reason: Words


class NewFields(_Body):
    """Values by field; null empties one, what is not named stays."""

    fields: dict[Name, bool | int | Number | str | None] = Field(min_length=1, max_length=50)


class RulesGiven(_Body):
    """A rule set in YAML."""

    content: Content


class Activation(_Body):
    """A rule set to put in force, or the number of one to bring back; one of both."""

    content: Content | None = None
    restores: int | None = Field(None, ge=1, le=2**31 - 1)
    note: str = Field("", max_length=1000, description="why, for who reads the list")
    expected: int | None = Field(
        None, ge=0, le=2**31 - 1, description="the one seen in force, 0 for none; else 412"
    )


class Trial(_Body):
    """What is known of a ticket that there need not be, by subject and fact."""

    sample: dict[str, dict[str, Any]] = Field(
        max_length=10, examples=[{"ticket": {"type": "complaint", "area_code": "022"}}]
    )
    content: Content | None = Field(None, description="a rule set; that in force if left out")


class Proposed(_Body):
    """A rule set to try on a ticket."""

    content: Content | None = Field(None, description="that in force if left out")


class FindingOut(BaseModel):
    """What is wrong in a rule set."""

    line: int
    place: str
    what: str
    mend: str
    fatal: bool = Field(description="false: the set can become active with it")

    @classmethod
    def of(cls, found: Finding) -> Self:
        """From the desk's finding."""
        return cls(
            line=found.line, place=found.place, what=found.what, mend=found.mend, fatal=found.fatal
        )


class CheckedOut(BaseModel):
    """Whether a rule set could become active, and everything that was found."""

    usable: bool
    findings: list[FindingOut]


class EditionOut(BaseModel):
    """A rule set that was put in force."""

    edition: int
    note: str
    restores: int | None = Field(description="the one that it brought back")
    activated_at: datetime
    actor: str

    @classmethod
    def of(cls, found: Edition) -> Self:
        """From the desk's edition."""
        return cls(
            edition=found.edition,
            note=found.note,
            restores=found.restores,
            activated_at=found.activated_at,
            actor=found.actor,
        )


class WholeEditionOut(EditionOut):
    """The same with its YAML."""

    content: str

    @classmethod
    def of(cls, found: Edition) -> Self:
        """From the desk's edition."""
        return cls(**EditionOut.of(found).model_dump(), content=found.content)


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
    confirm: str
    watchers: list[str]

    @classmethod
    def of(cls, decision: Decision | Mapping[str, Any]) -> Self:
        """From the desk's decision, or as it was kept."""
        names = cls.model_fields
        if isinstance(decision, Decision):
            return cls(**{name: getattr(decision, name) for name in names})
        return cls(**{name: decision[name] for name in names})


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


class FactOut(BaseModel):
    """Something that conditions can ask about."""

    name: str
    kind: str = Field(description="text, number, yes_no, moment or texts")
    meaning: str


class FactsOut(BaseModel):
    """Everything that conditions can ask about."""

    items: list[FactOut]

    @classmethod
    def of(cls, schema: Schema) -> Self:
        """The facts of a house."""
        items = [
            FactOut(name=f"{subject}.{name}", kind=fact.kind.value, meaning=fact.meaning)
            for subject, facts in FACTS.items()
            for name, fact in facts.items()
        ]
        items += [
            FactOut(name=f"ticket.fields.{name}", kind=kind.value, meaning="字段 / a field")
            for name, kind in schema.fields
        ]
        return cls(items=items)


class FieldOut(BaseModel):
    """A field of a ticket type."""

    name: str
    label: str
    kind: str = Field(description="text, number, yes_no, date or choice")
    choices: list[str]
    required: bool = Field(description="to be filled before such a ticket is resolved")

    @classmethod
    def of(cls, name: str, field: FieldSettings) -> Self:
        """From the configuration."""
        return cls(
            name=name,
            label=field.label,
            kind=field.kind,
            choices=list(field.choices),
            required=field.required,
        )


class TicketTypeOut(BaseModel):
    """A ticket type with its fields."""

    type: str
    label: str
    fields: list[FieldOut]


class TicketTypesOut(BaseModel):
    """Every ticket type."""

    items: list[TicketTypeOut]

    @classmethod
    def of(cls, house: House) -> Self:
        """From the house."""
        return cls(
            items=[
                TicketTypeOut(
                    type=key,
                    label=label,
                    fields=[FieldOut.of(name, each) for name, each in house.fields_of(key).items()],
                )
                for key, label in house.types.items()
            ]
        )


def _shown(value: Any, masked: bool) -> Any:
    if isinstance(value, str):
        return mask_text(value) if masked else value
    return [_shown(each, masked) for each in value] if isinstance(value, list | tuple) else value
