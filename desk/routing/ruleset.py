"""A rule set as people write it: default teams, what the four levels mean, and the rules in order.

```yaml
default_team: national
regions: {"022": tianjin}
levels:
  1: {name: 重大, priority: 40, role: lead, escalate: true, notify: ["role:supervisor@{team}"]}
  ...
rules:
  - name: legal
    when: '$mentions(ticket.text, ["律师", "起诉"])'
    then: {level: 1, watchers: ["role:supervisor"]}
    go_on: true
```
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Word = Annotated[str, Field(min_length=1, max_length=60)]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
PolicyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Address = Annotated[str, Field(min_length=1, max_length=130)]
Level = Annotated[int, Field(ge=1, le=4)]
Priority = Annotated[int, Field(ge=0, le=100)]
Who = Literal["agent", "lead", "supervisor"]
Way = Literal["handler", "call", "sms"]

LEVELS = (1, 2, 3, 4)
ALWAYS = "true"
RANKS: Mapping[str, int] = {
    "technician": 0,
    "agent": 0,
    "lead": 1,
    "supervisor": 2,
    "administrator": 3,
}
"""Who may do what is asked of another: a lead takes an agent's tickets too."""


def _written_out(value: object) -> object:
    """YAML's own `true` and `false` as a condition writes them."""
    return str(value).lower() if isinstance(value, bool) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Then(_Part):
    """What a rule gives. What is left out it leaves to the rules after it, and to the defaults.

    Attributes:
        policy: of the service levels, in place of the first whose conditions hold.
    """

    type: Word | None = None
    team: Word | None = None
    skill: Word | None = None
    level: Level | None = None
    priority: Priority | None = None
    policy: PolicyName | None = None
    confirm: Way | None = None
    watchers: list[Address] = Field(default=[], max_length=10)

    @model_validator(mode="after")
    def _something(self) -> "Then":
        if not self.model_fields_set:
            raise ValueError("gives nothing; name a team, skill, level, priority, watchers …")
        return self


class Rule(_Part):
    """A rule. The first one whose condition holds decides; after one with `go_on` the others are
    asked too, and what an earlier one gave stays.
    """

    name: RuleName
    when: Annotated[str, BeforeValidator(_written_out), Field(min_length=1, max_length=4000)] = (
        ALWAYS
    )
    then: Then
    go_on: bool = False


class LevelFlow(_Part):
    """What a level means.

    Attributes:
        name: as people call it.
        priority: at least so much has a ticket of this level.
        role: who takes its tickets, at least.
        escalate: it is escalated at once when it gets this level.
        notify: who is told then; `{team}` is the ticket's.
        watchers: who watches it from then on.
    """

    name: Word
    priority: Priority = 0
    role: Who = "agent"
    escalate: bool = False
    notify: list[Address] = Field(default=[], max_length=10)
    watchers: list[Address] = Field(default=[], max_length=10)


class RuleSet(_Part):
    """A whole rule set."""

    default_team: Word
    regions: dict[Word, Word] = {}
    levels: dict[Level, LevelFlow]
    rules: list[Rule] = Field(default=[], max_length=300)

    @model_validator(mode="after")
    def _all_levels(self) -> "RuleSet":
        missing = [str(level) for level in LEVELS if level not in self.levels]
        if missing:
            raise ValueError(f"levels: {', '.join(missing)} is missing; say what each of 1 to 4 is")
        return self
