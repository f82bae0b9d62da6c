"""What the API takes to change tickets."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from desk.api.room import MOST_ID
from desk.tickets import Given, Identity, Source
from desk.tickets.links import Kind

Type = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Team = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
CallOf = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,150}$")]
TicketNumber = Annotated[str, StringConstraints(min_length=6, max_length=30)]
AnId = Annotated[int, Field(ge=1, le=MOST_ID)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Open(_Body):
    """A ticket to open, by hand or for a call."""

    type: Type = Field(description="a key of tickets.types in config.yaml")
    subject: Subject
    description: str = Field("", max_length=20_000)
    labels: list[Label] = Field([], max_length=50)
    call_id: CallOf | None = Field(None, description="a call that has one gets that one")
    number: Annotated[str, StringConstraints(max_length=40, pattern=r"^[^\x00-\x1f]*$")] = Field(
        "", description="the customer's telephone number, for a ticket without a call"
    )
    customer_id: AnId | None = None


class Edit(_Body):
    """What is left out stays."""

    type: Type | None = None
    subject: Subject | None = None
    description: str | None = Field(None, max_length=20_000)
    labels: list[Label] | None = Field(None, max_length=50)
    customer_id: AnId | None = Field(None, description="the customer that a person decided for")


class Assign(_Body):
    """Who is in charge from now on; one of both must be there."""

    team: Team | None = None
    assignee: Person | None = None


class Wait(_Body):
    """What is waited for."""

    reason: Words


class Escalate(_Body):
    """Why, and to whom."""

    reason: Words
    team: Team | None = None
    assignee: Person | None = None


class Resolve(_Body):
    """What solved it, in words for the customer."""

    solution: Long


class Talked(_Body):
    """What the customer said in a talk."""

    call_id: CallOf = Field(description="a call of this ticket, not over before the solution")
    identity: Literal["asked", "ticket_number"] = Field(
        description="how it was made sure that it is the customer: asked, or the number told"
    )
    recording_id: AnId | None = Field(None, description="where it can be heard")
    note: str = Field("", max_length=2000)

    def given(self) -> Given:
        """For the desk."""
        return Given(
            Source.TALK, Identity(self.identity), self.call_id, self.recording_id, self.note
        )


class SolveInCall(Talked):
    """What solved it, and that the customer said so."""

    solution: Long


class Override(_Body):
    """Who decides in the customer's place, and why."""

    supervisor: Person = Field(description="the supervisor's name")
    reason: Words


class Reopen(_Body):
    """Why, and the customer's own no if there was one."""

    reason: Words
    talked: Talked | None = None


class Void(_Body):
    """Why it is no customer's matter."""

    reason: Literal["wrong_number", "silent", "test"]


class Merge(_Body):
    """Which ticket goes on."""

    survivor: TicketNumber


class Unmerge(_Body):
    """Why they are two after all."""

    reason: Words


class Split(_Body):
    """The second matter."""

    type: Type
    subject: Subject
    description: str = Field("", max_length=20_000)
    labels: list[Label] = Field([], max_length=50)
    call_ids: list[CallOf] = Field(
        [], max_length=100, description="calls about the second matter; they go to its ticket"
    )
    note_ids: list[AnId] = Field(
        [], max_length=100, description="notes about it; the new ticket gets copies"
    )


class HandOver(_Body):
    """To which team, why, and until when it must be taken."""

    team: Team
    reason: Words
    due_at: AwareDatetime | None = Field(
        None, description="if left out, as long as the ticket's service level allows"
    )


class Take(_Body):
    """Who takes it; the token's name if left out."""

    assignee: Person | None = None


class Refuse(_Body):
    """Why the team does not take it."""

    reason: Words


class NewNote(_Body):
    """A note, internal unless public. In an internal one, @8001, @张敏 or @team:天津 tells whoever
    is meant; @@ is a plain @.
    """

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
    public: bool = False
    send: Literal["sms", "email"] | None = Field(
        None, description="how a public note goes to the customer as well"
    )
    to: str = Field(
        "", max_length=254, pattern=r"^[^\x00-\x1f]*$",
        description="which of the customer's numbers, where it is not to be the first that can",
    )  # fmt: skip


class JoiningCall(_Body):
    """A call that was about this ticket."""

    call_id: CallOf


class NewLink(_Body):
    """What this ticket is to the other."""

    kind: Kind
    other: TicketNumber
