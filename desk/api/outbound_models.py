"""What the API returns of calls to customers, and takes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from desk.masking import mask_number, mask_text
from desk.numbering import ticket_number
from desk.outbound import Alarm, Attempt, Mark, Mobile, Request, Revisit, Switch, Visit

Extension = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,8}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class AttemptOut(BaseModel):
    """A call that was placed, whatever for: the evidence that is kept of it."""

    call_id: str
    purpose: str = Field(description="confirm, click, scheduled, revisit or callback")
    ticket_number: str | None
    e164: str = Field(description="who was called")
    shown: str = Field(description="the number that the customer saw")
    agent: str
    placed_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str
    consent: str = Field(description="to the recording: given, refused, told, or not asked")
    consent_at: datetime | None
    identity: str = Field(description="how who answered said who it is: pressed, ticket_number")
    identity_at: datetime | None
    recording_ids: list[int] = Field(description="in which it can be heard")

    @classmethod
    def of(cls, attempt: Attempt, masked: bool, kept: Mapping[str, Sequence[int]]) -> Self:
        """From the desk's attempt; `kept`: ids of recordings by attempt."""
        return cls(
            call_id=attempt.id,
            purpose=attempt.purpose,
            ticket_number=ticket_number(attempt.ticket_id) if attempt.ticket_id else None,
            e164=mask_number(attempt.e164) if masked else attempt.e164,
            shown=attempt.shown,
            agent=attempt.agent,
            placed_at=attempt.placed_at,
            answered_at=attempt.answered_at,
            ended_at=attempt.ended_at,
            outcome=attempt.outcome,
            consent=attempt.consent,
            consent_at=attempt.consent_at,
            identity=attempt.identity,
            identity_at=attempt.identity_at,
            recording_ids=list(kept.get(attempt.id, ())),
        )


class OutboundCallOut(BaseModel):
    """A call that is wanted."""

    id: int
    purpose: str = Field(description="confirm, click, scheduled or revisit")
    way: str = Field(description="call, sms or handler: a person's task")
    state: str = Field(description="waiting, dialling, asked or done")
    ticket_number: str | None
    customer_id: int | None
    e164: str
    identity: str = Field(description="how who answers says who it is: pressed or ticket_number")
    agent: str = Field(description="whose telephone rings first")
    due_at: datetime | None
    attempts: int
    call_id: str | None = Field(description="of the last attempt")
    outcome: str
    actor: str = Field(description="who asked for it")
    note: str
    asked_at: datetime

    @classmethod
    def of(cls, request: Request, masked: bool) -> Self:
        """From the desk's request."""
        return cls(
            id=request.id,
            purpose=request.purpose,
            way=request.way,
            state=request.state,
            ticket_number=ticket_number(request.ticket_id) if request.ticket_id else None,
            customer_id=request.customer_id,
            e164=mask_number(request.e164) if masked else request.e164,
            identity=request.identity,
            agent=request.agent,
            due_at=request.due_at,
            attempts=request.attempts,
            call_id=request.channel_id,
            outcome=request.outcome,
            actor=request.actor,
            note=mask_text(request.note) if masked else request.note,
            asked_at=request.asked_at,
        )


class MobileOut(BaseModel):
    """Whether a case wants the customer's mobile, and what its handler answered."""

    wanted: bool = Field(description="ask the customer for it: no mobile is on file")
    state: str = Field(description="empty: nobody was asked; wanted, given, none")
    e164: str = Field(description="where an SMS to the customer goes; empty: none is known")
    reason: str = Field(description="why there is none")
    actor: str = Field(description="who answered")
    asked_at: datetime | None
    answered_at: datetime | None

    @classmethod
    def of(cls, found: Mobile, masked: bool) -> Self:
        """From the desk's."""
        return cls(
            wanted=found.wanted,
            state=found.state,
            e164=mask_number(found.e164) if masked else found.e164,
            reason=mask_text(found.reason) if masked else found.reason,
            actor=found.actor,
            asked_at=found.asked_at,
            answered_at=found.answered_at,
        )


class OutboundCallsOut(BaseModel):
    """Calls that are wanted about a ticket, the newest first, and what was placed for them."""

    items: list[OutboundCallOut]
    attempts: list[AttemptOut]
    mobile_wanted: bool = Field(description="its handler is to ask the customer for a mobile")


class AlarmOut(BaseModel):
    """A limit that was hit; once per hour."""

    cause: str
    at: datetime

    @classmethod
    def of(cls, alarm: Alarm) -> Self:
        """From the desk's alarm."""
        return cls(cause=alarm.cause, at=alarm.at)


class OutboundOut(BaseModel):
    """How calls to customers stand, all together."""

    stopped: bool
    actor: str = Field(description="who turned the switch last")
    reason: str
    changed_at: datetime | None
    trunk: str | None = Field(description="over which they go; null: none are placed")
    placed_last_hour: int
    most_per_hour: int
    going_on: int
    most_at_once: int
    alarms: list[AlarmOut] = Field(description="of the last day, the newest first")


class SwitchOut(BaseModel):
    """Whether calls to customers are placed."""

    stopped: bool
    actor: str
    reason: str
    changed_at: datetime | None

    @classmethod
    def of(cls, switch: Switch) -> Self:
        """From the desk's switch."""
        return cls(
            stopped=switch.stopped,
            actor=switch.actor,
            reason=switch.reason,
            changed_at=switch.changed_at,
        )


class MarkOut(BaseModel):
    """A number and what is known of it."""

    e164: str
    mark: str = Field(description="do_not_call, shared, recycled or virtual")
    reason: str
    actor: str
    at: datetime

    @classmethod
    def of(cls, mark: Mark, masked: bool) -> Self:
        """From the desk's mark."""
        return cls(
            e164=mask_number(mark.e164) if masked else mark.e164,
            mark=mark.mark,
            reason=mask_text(mark.reason) if masked else mark.reason,
            actor=mark.actor,
            at=mark.at,
        )


class VisitOut(BaseModel):
    """One visit of a series."""

    visit: int
    due_at: datetime
    state: str = Field(description="planned, due (somebody's task), done or cancelled")
    outcome: str
    result: str
    call_id: str | None
    actor: str
    done_at: datetime | None

    @classmethod
    def of(cls, visit: Visit, masked: bool) -> Self:
        """From the desk's visit."""
        return cls(
            visit=visit.visit,
            due_at=visit.due_at,
            state=visit.state,
            outcome=visit.outcome,
            result=mask_text(visit.result) if masked else visit.result,
            call_id=visit.call_id,
            actor=visit.actor,
            done_at=visit.done_at,
        )


class RevisitOut(BaseModel):
    """A series of re-visits (定期回访)."""

    id: int
    ticket_number: str
    agent: str = Field(description="whose task; empty: of who looks after the ticket")
    every_days: int
    state: str = Field(description="active, done or cancelled")
    note: str
    actor: str
    made_at: datetime
    visits: list[VisitOut]

    @classmethod
    def of(cls, series: Revisit, masked: bool) -> Self:
        """From the desk's series."""
        return cls(
            id=series.id,
            ticket_number=ticket_number(series.ticket_id),
            agent=series.agent,
            every_days=series.every_days,
            state=series.state,
            note=mask_text(series.note) if masked else series.note,
            actor=series.actor,
            made_at=series.made_at,
            visits=[VisitOut.of(visit, masked) for visit in series.visits],
        )


class RevisitsOut(BaseModel):
    """Series of re-visits."""

    items: list[RevisitOut]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Place(_In):
    """Call the ticket's customer: at once or at a moment."""

    agent: Extension = Field(description="whose telephone rings first")
    at: AwareDatetime | None = Field(None, description="when; without it at once")
    number: str = Field("", max_length=40, description="another number of the customer")
    note: str = Field("", max_length=1000)
    revisit: bool = Field(False, description="it is a visit of a series (定期回访)")


class PlaceAnywhere(_In):
    """Call a customer, or a number, about no ticket."""

    agent: Extension = Field(description="whose telephone rings first")
    customer_id: int | None = Field(None, ge=1, le=2**62)
    number: str = Field("", max_length=40)
    at: AwareDatetime | None = None
    note: str = Field("", max_length=1000)


class Turn(_In):
    """Why the switch is turned."""

    reason: Reason


class MarkIn(_In):
    """Why a number is marked."""

    reason: Reason


class MobileIn(_In):
    """The customer's mobile, or why there is none."""

    number: str | None = Field(
        None, max_length=40, description="in any form; without it the customer has none"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = Field(
        "", description="needed without a number"
    )


class PlanRevisits(_In):
    """A series of re-visits."""

    every_days: int = Field(ge=1, le=366)
    visits: int = Field(1, ge=1, le=24)
    first_at: AwareDatetime | None = Field(None, description="without it `every_days` from now")
    agent: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    note: str = Field("", max_length=1000)


class VisitDone(_In):
    """How a visit went."""

    outcome: Literal["satisfied", "dissatisfied", "unreachable"]
    result: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""
    call_id: str | None = Field(None, max_length=150)
