"""The house: ticket types with their fields, and who works in which team, as config.yaml says.

Every process that starts the service declares it, so that whatever changes a ticket (API, line,
CRM, rules) knows the same house without having read the file.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, select, update

from desk.db.schema.routing import house as table

FieldKind = Literal["text", "number", "yes_no", "date", "choice"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Word = Annotated[str, Field(min_length=1, max_length=60)]
MOST_FIELDS = 50


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldSettings(_Data):
    """A field of a ticket type. `required`: it must be filled before such a ticket is resolved."""

    label: Word
    kind: FieldKind = "text"
    choices: list[Word] = Field(default=[], max_length=200)
    required: bool = False

    @model_validator(mode="after")
    def _choices_to_choose(self) -> Self:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("`choices` belong to `kind: choice`, and it needs them")
        if len(set(self.choices)) != len(self.choices):
            raise ValueError("a choice is there twice; remove one")
        return self


FieldsByType = dict[Name, Annotated[dict[Name, FieldSettings], Field(max_length=MOST_FIELDS)]]


class Member(_Data):
    """Somebody who takes tickets.

    Attributes:
        name: as a ticket's assignee: an account's name, or `agent:8001` of who has none.
        names: by which tickets may name this person too.
        role: agent, technician, lead, supervisor or administrator.
        regions: area codes or provinces; empty: all.
    """

    name: str
    full_name: str = ""
    names: tuple[str, ...] = ()
    team: str = ""
    role: str = "agent"
    skills: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


class House(_Data):
    """What the desk knows of the house that it works for.

    Attributes:
        policies: of the service levels in force, where somebody has looked; not declared.
    """

    types: dict[str, str] = {}
    fields: FieldsByType = {}
    members: tuple[Member, ...] = ()
    switches: dict[str, bool] = {}
    void_sample: float = 0.1
    policies: tuple[str, ...] = Field(default=(), exclude=True)

    @property
    def teams(self) -> list[str]:
        """Every team that somebody is in."""
        return sorted({member.team for member in self.members if member.team})

    @property
    def skills(self) -> list[str]:
        """Every skill that somebody has."""
        return sorted({skill for member in self.members for skill in member.skills})

    def fields_of(self, ticket_type: str) -> Mapping[str, FieldSettings]:
        """The fields of a ticket type, in order."""
        return self.fields.get(ticket_type, {})

    def on(self, switch: str) -> bool:
        """Whether something is rolled out (`desk.rollout`); what nobody has switched off is."""
        return self.switches.get(switch, True)


def clashes(fields: FieldsByType) -> Iterator[tuple[str, str, str]]:
    """Fields that two types declare as different kinds: the name, and the types. Rules could not
    compare such a field with anything.
    """
    seen: dict[str, tuple[str, FieldKind]] = {}
    for ticket_type, declared in fields.items():
        for name, each in declared.items():
            kind: FieldKind = "text" if each.kind == "choice" else each.kind
            first, before = seen.setdefault(name, (ticket_type, kind))
            if before != kind:
                yield name, first, ticket_type


def declare(db: Connection, house: House, now: datetime) -> bool:
    """Let this be the house from now on. False: it is already."""
    row = db.execute(select(table.c.content).with_for_update()).one()
    text = house.model_dump_json()  # keeps the order of types and fields, which people see
    if row.content == text:
        return False
    db.execute(update(table).values(content=text, declared_at=now))
    return True


def house_of(db: Connection) -> House:
    """The house as it was declared last; an empty one before."""
    return _house(db.execute(select(table.c.content)).scalar_one())


@lru_cache(maxsize=16)
def _house(text: str) -> House:
    return House.model_validate_json(text)
