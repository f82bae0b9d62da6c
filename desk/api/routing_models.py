"""What the API takes and returns of routing."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from desk.house import FieldSettings, House
from desk.routing import Edition, Finding
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
