"""What the API returns of tickets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from desk.api.caller_models import CallerOut
from desk.masking import mask_number, mask_text
from desk.numbering import ticket_number
from desk.tickets import STATUSES, Ticket
from desk.tickets.confirmations import Confirmation
from desk.tickets.handovers import Handover
from desk.tickets.history import Step
from desk.tickets.lifecycle import TABLE, Transition, leads_on, standing
from desk.tickets.links import Link
from desk.tickets.notes import Note
from desk.tickets.states import VOID_REASONS, Standing


class FoundOut(BaseModel):
    """What callers named."""

    numbers: list[str] = Field(description="telephone numbers, E.164")
    order_ids: list[str]

    @classmethod
    def of(cls, found: Mapping[str, Sequence[str]], masked: bool) -> Self:
        """From the ticket; empty where nothing was found."""
        number, order_id = (mask_number, mask_text) if masked else (str, str)
        return cls(
            numbers=[number(each) for each in found.get("numbers", ())],
            order_ids=[order_id(each) for each in found.get("order_ids", ())],
        )


class TicketOut(BaseModel):
    """A ticket."""

    number: str = Field(description="what callers hear; its last digit is a check digit")
    type: str = Field(description="a key of tickets.types in config.yaml")
    subject: str
    description: str
    summary: str = Field(description="what its calls were about, a line each")
    found: FoundOut
    status: str = Field(description=", ".join(f"{key} ({word})" for key, word in STATUSES.items()))
    status_name: str = Field(description="the status in Chinese")
    counts_as: Standing = Field(description="none: neither solved nor unsolved (void, merged)")
    possible: list[str] = Field(description="actions that lead on from this status")
    team: str = Field(description="in charge; empty while none is")
    assignee: str = Field(description="in charge; empty while nobody is")
    solution: str
    cycle: int = Field(description="1, then one more with every reopening")
    resolved_at: datetime | None = Field(description="in this cycle")
    closed_at: datetime | None
    confirmation_id: int | None = Field(description="what closed it")
    void_reason: str = Field(description=", ".join(["empty", *VOID_REASONS]))
    void_check: str = Field(description="wanted: a supervisor is to look; passed; or empty")
    survivor_number: str | None = Field(description="the ticket into which it was merged")
    level: int = Field(description="1, the gravest, to 4; 0 while it is not set")
    priority: int = Field(description="the higher, the sooner it is taken")
    fields: dict[str, bool | int | float | str] = Field(description="those that its type declares")
    labels: list[str]
    caller: CallerOut
    customer_id: int | None = Field(description="the customer, if there is no doubt")
    candidate_customer_ids: list[int] = Field(description="where several share the number")
    call_id: str | None
    opened_at: datetime
    updated_at: datetime
    version: int = Field(description="also the ETag; a change names it in If-Match")

    @classmethod
    def of(cls, ticket: Ticket, masked: bool) -> Self:
        """From the desk's ticket."""
        text = mask_text if masked else str
        return cls(
            number=ticket.number,
            type=ticket.type,
            subject=text(ticket.subject),
            description=text(ticket.description),
            summary=text(ticket.summary),
            found=FoundOut.of(ticket.found, masked),
            status=ticket.status,
            status_name=STATUSES[ticket.status],
            counts_as=standing(ticket.status),
            possible=[action.value for action in leads_on(ticket.status)],
            team=ticket.team,
            assignee=ticket.assignee,
            solution=text(ticket.solution),
            cycle=ticket.cycle,
            resolved_at=ticket.resolved_at,
            closed_at=ticket.closed_at,
            confirmation_id=ticket.confirmation_id,
            void_reason=ticket.void_reason,
            void_check=ticket.void_check,
            survivor_number=ticket_number(ticket.survivor_id) if ticket.survivor_id else None,
            level=ticket.level,
            priority=ticket.priority,
            fields={
                name: text(value) if isinstance(value, str) else value
                for name, value in ticket.fields.items()
            },
            labels=list(ticket.labels),
            caller=CallerOut.of(ticket.caller, masked),
            customer_id=ticket.customer_id,
            candidate_customer_ids=list(ticket.candidate_customer_ids),
            call_id=ticket.call_id,
            opened_at=ticket.opened_at,
            updated_at=ticket.updated_at,
            version=ticket.version,
        )


class StepOut(BaseModel):
    """A step of a ticket's life."""

    at: datetime
    action: str | None = Field(description="null for the opening")
    status: str = Field(description="from then on")
    actor: str

    @classmethod
    def of(cls, step: Step) -> Self:
        """From the desk's history."""
        action = step.action.value if step.action is not None else None
        return cls(at=step.at, action=action, status=step.status.value, actor=step.actor)


class ConfirmationOut(BaseModel):
    """What a customer said of a solution, or a supervisor decided instead."""

    id: int
    answer: str = Field(description="solved, not_solved or overridden")
    source: str = Field(description="talk, key, sms, link or override")
    identity: str | None = Field(description="how it was made sure who it was")
    call_id: str | None
    recording_id: int | None = Field(description="where it can be heard")
    evidence: str = Field(description="words of a message, id of a link, or a note")
    supervisor: str
    reason: str
    cycle: int
    actor: str = Field(description="who or what recorded it")
    at: datetime

    @classmethod
    def of(cls, found: Confirmation, masked: bool) -> Self:
        """From the desk's confirmation."""
        text = mask_text if masked else str
        return cls(
            id=found.id,
            answer=found.answer.value,
            source=found.source.value,
            identity=found.identity.value if found.identity is not None else None,
            call_id=found.call_id,
            recording_id=found.recording_id,
            evidence=text(found.evidence),
            supervisor=found.supervisor,
            reason=text(found.reason),
            cycle=found.cycle,
            actor=found.actor,
            at=found.at,
        )


class HandoverOut(BaseModel):
    """A ticket's way from one team to another."""

    id: int
    ticket_number: str
    from_team: str
    to_team: str
    reason: str
    state: str = Field(description="open, taken, refused or withdrawn")
    asked_by: str
    asked_at: datetime
    due_at: datetime
    overdue_at: datetime | None = Field(description="when it was noticed that nobody took it")
    ended_by: str
    ended_at: datetime | None

    @classmethod
    def of(cls, found: Handover, masked: bool) -> Self:
        """From the desk's hand-over."""
        return cls(
            id=found.id,
            ticket_number=ticket_number(found.ticket_id),
            from_team=found.from_team,
            to_team=found.to_team,
            reason=mask_text(found.reason) if masked else found.reason,
            state=found.state,
            asked_by=found.asked_by,
            asked_at=found.asked_at,
            due_at=found.due_at,
            overdue_at=found.overdue_at,
            ended_by=found.ended_by,
            ended_at=found.ended_at,
        )


class LinkOut(BaseModel):
    """A relation to another ticket."""

    kind: str = Field(description="duplicate, related, caused_by or split_from")
    other: str = Field(description="the other ticket's number")
    inverse: bool = Field(description="it is the other one that is a duplicate, caused, or split")
    actor: str
    at: datetime

    @classmethod
    def of(cls, link: Link) -> Self:
        """From the desk's link."""
        return cls(
            kind=link.kind.value,
            other=link.number,
            inverse=link.inverse,
            actor=link.actor,
            at=link.at,
        )


class NoteOut(BaseModel):
    """A note."""

    id: int = Field(description="the seq of its timeline entry")
    at: datetime
    actor: str
    public: bool = Field(description="for the customer too")
    text: str | None = Field(description="null once erased")
    mentions: list[str] = Field(description="to whom it speaks; they were told")
    sent_by: str = Field(description="how it went to the customer: sms, email, or empty")
    author: str = Field(description="who wrote it first, if it is a copy; else empty")

    @classmethod
    def of(cls, note: Note, masked: bool) -> Self:
        """From the desk's note."""
        text = mask_text(note.text) if masked and note.text is not None else note.text
        return cls(
            id=note.id,
            at=note.at,
            actor=note.actor,
            public=note.public,
            text=text,
            mentions=list(note.mentions),
            sent_by=note.sent_by,
            author=note.author,
        )


class TransitionOut(BaseModel):
    """A row of the table of transitions."""

    action: str
    sources: list[str] = Field(description="statuses from which it leads")
    to: str = Field(description="a status; same: it stays; before: as before the merger")
    roles: list[str] = Field(description="who may")
    needs: list[str] = Field(description="what must be present")
    triggers: list[str] = Field(description="what follows")

    @classmethod
    def of(cls, row: Transition) -> Self:
        """From the lifecycle's table."""
        return cls(
            action=row.action.value,
            sources=[status for status in STATUSES if status in row.sources],
            to=row.to.value,
            roles=sorted(role.value for role in row.roles),
            needs=[need.value for need in row.needs],
            triggers=[trigger.value for trigger in row.triggers],
        )


class LifecycleOut(BaseModel):
    """The lifecycle of tickets."""

    statuses: dict[str, str] = Field(description="each with its Chinese name")
    transitions: list[TransitionOut]

    @classmethod
    def whole(cls) -> Self:
        """As it is compiled into this version."""
        statuses = {str(status): word for status, word in STATUSES.items()}
        return cls(statuses=statuses, transitions=[TransitionOut.of(row) for row in TABLE])
