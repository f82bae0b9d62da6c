"""What each kind of action takes, as people write it.

Texts are filled like messages to customers (`{{ number }}`, see desk/messages/rendering.py);
addresses may name `{team}` and `{assignee}` of the ticket.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from desk.automation.durations import Duration
from desk.messages.rendering import checked
from desk.tickets.links import Kind as LinkKind

Word = Annotated[str, Field(min_length=1, max_length=60)]
Address = Annotated[str, Field(min_length=1, max_length=130)]
Level = Annotated[int, Field(ge=1, le=4)]


def _template(value: Any) -> Any:
    if isinstance(value, str):
        checked(value)
    return value


Text = Annotated[str, BeforeValidator(_template), Field(min_length=1, max_length=1000)]


class Part(BaseModel):
    """A part of a rule set: nothing in it is unknown, nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Assign(Part):
    """Put a team or a person in charge. `{team}` and `{assignee}` are the ticket's; an assignee of
    `""` is nobody any more."""

    team: Word | None = None
    assignee: Annotated[str, Field(max_length=100)] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.team is None and self.assignee is None:
            raise ValueError("names nobody; give a team or an assignee")
        return self


class Escalate(Part):
    """To somebody who can do more."""

    reason: Text
    team: Word | None = None
    assignee: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class SetLevel(Part):
    """Give it a level, if that is graver than what it has."""

    level: Level
    reason: Text = "自动规则 / by a rule"


class Notify(Part):
    """A notice in the inbox of each."""

    to: list[Address] = Field(min_length=1, max_length=20)
    text: Text


class Mention(Part):
    """An internal note that speaks to somebody, who is told and watches from then on."""

    who: list[Address] = Field(min_length=1, max_length=20)
    text: Text


class Sms(Part):
    """An SMS to the ticket's customer, or to a number. `text` is what the template `free` shows."""

    template: Word = "free"
    text: Text | None = None
    to: Annotated[str, Field(pattern=r"^\+[0-9]{6,15}$")] | None = None
    asks: Literal["", "confirm"] = ""


class Email(Part):
    """An e-mail to the ticket's customer, or to an address."""

    template: Word = "free"
    text: Text | None = None
    to: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None


class Survey(Part):
    """Ask the customer how it was, by a link; within the limits of surveys."""


class Confirm(Part):
    """Have the customer asked whether it is solved, in the way that the policy says."""


class Task(Part):
    """A piece of work for a person or a team."""

    title: Text
    to: Address
    due: Duration | None = None


class Webhook(Part):
    """An entry of its own kind, `rule.webhook`, that every target gets that wants it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
    data: dict[Word, Text] = Field(default={}, max_length=30)


class Reopen(Part):
    """It is not solved; a new cycle begins. `most`: not beyond this cycle, so that nothing goes
    round for ever."""

    reason: Text
    most_cycles: int = Field(default=5, ge=2, le=50)


class Link(Part):
    """Link it with another case that still goes on or was closed within the last seven days: of
    the same customer, or of the same number."""

    to: Literal["same_customer", "same_number"]
    kind: LinkKind = LinkKind.RELATED


class Note(Part):
    """A note, internal unless `public`."""

    text: Text
    public: bool = False


class Label(Part):
    """Labels to put on and to take off."""

    add: list[Word] = Field(default=[], max_length=20)
    remove: list[Word] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.add and not self.remove:
            raise ValueError("changes nothing; give labels to add or to remove")
        return self


class Watch(Part):
    """Let somebody watch it."""

    who: list[Address] = Field(min_length=1, max_length=20)
