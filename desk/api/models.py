"""What the API returns. Each model masks itself unless the reader may see everything."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from desk.api.caller_models import CallerOut
from desk.api.ticket_models import TicketOut as TicketOut
from desk.customers import Customer
from desk.journal import Call
from desk.masking import mask_body, mask_email, mask_name, mask_number, mask_text
from desk.numbering import ticket_number
from desk.recordings import Recording, Transcript
from desk.timeline import Entry
from desk.utterances import Utterance


class CallOut(BaseModel):
    """A call, live or past."""

    id: str = Field(description="Asterisk's id of the caller's channel")
    direction: Literal["inbound", "outbound"] = Field(description="outbound: a call-back")
    dialled: str
    caller: CallerOut
    customer_ids: list[int] = Field(description="every customer with this number")
    stage: str = Field(description="the last stage entered: welcome, menu, talk, message, …")
    live: bool
    received_at: datetime
    ended_at: datetime | None
    cause: str | None = Field(description="why it ended")
    ticket_number: str | None

    @classmethod
    def of(cls, call: Call, masked: bool) -> Self:
        """From the journal."""
        return cls(
            id=call.id,
            direction=call.direction,
            dialled=call.dialled,
            caller=CallerOut.of(call.caller, masked),
            customer_ids=list(call.customer_ids),
            stage=call.stage,
            live=call.ended_at is None,
            received_at=call.received_at,
            ended_at=call.ended_at,
            cause=call.cause,
            ticket_number=ticket_number(call.ticket_id) if call.ticket_id else None,
        )


class Word(BaseModel):
    """A recognised word."""

    text: str
    start: float = Field(description="seconds from the beginning of what was heard")
    end: float
    confidence: float = Field(description="0 to 1")


class RecordingOut(BaseModel):
    """A recording of a call and what was recognised in it."""

    id: int
    kind: str = Field(description="message, party (one side of a talk) or mix (all sides)")
    party: str = Field(description="whose voice: caller, or agent: and an extension; or empty")
    seconds: float
    sha256: str = Field(description="of the audio file")
    state: str = Field(description="recorded, transcribed, failed or skipped (nothing to do)")
    started_at: datetime | None
    recorded_at: datetime
    deleted_at: datetime | None = Field(description="when its time was over")
    text: str | None
    words: list[Word] = Field(description="empty for a reader without the scope unmasked")
    engine: str | None = Field(description="what recognised it")

    @classmethod
    def of(cls, recording: Recording, found: Transcript | None, masked: bool) -> Self:
        """From the desk's recording and transcript."""
        text = mask_text if masked else str
        return cls(
            id=recording.id,
            kind=recording.kind,
            party=recording.party,
            seconds=recording.seconds,
            sha256=recording.sha256,
            state=recording.state,
            started_at=recording.started_at,
            recorded_at=recording.recorded_at,
            deleted_at=recording.deleted_at,
            text=text(found.text) if found else None,
            words=[Word(**word) for word in found.words] if found and not masked else [],
            engine=found.engine if found else None,
        )


class CallDetail(CallOut):
    """A call with its recordings."""

    recordings: list[RecordingOut] = []


class UtteranceOut(BaseModel):
    """Something that one party of a call said in one breath."""

    speaker: str = Field(description="caller, or agent: and an extension")
    leg: str = Field(description="Asterisk's id of the speaker's channel")
    number: int = Field(description="0, 1, 2, … within the leg")
    at: datetime = Field(description="when it began")
    start: float = Field(description="seconds from the beginning of what was heard of the leg")
    end: float
    text: str
    words: list[Word] = Field(description="empty for a reader without the scope unmasked")
    confidence: float = Field(description="0 to 1")
    engine: str = Field(description="what recognised it")
    live: bool = Field(description="while it was spoken; false: afterwards, from the recording")

    @classmethod
    def of(cls, said: Utterance, masked: bool) -> Self:
        """From the desk's utterance."""
        return cls(
            speaker=said.party,
            leg=said.leg,
            number=said.number,
            at=said.at,
            start=said.start,
            end=said.end,
            text=mask_text(said.text) if masked else said.text,
            words=[] if masked else [Word(**word) for word in said.words],
            confidence=said.confidence,
            engine=said.engine,
            live=said.live,
        )


class TranscriptOut(BaseModel):
    """What the parties of a call said, in the order in which they began to say it."""

    call_id: str
    utterances: list[UtteranceOut]


class CustomerOut(BaseModel):
    """A customer."""

    id: int
    external_id: str | None = Field(description="the id in the system it was imported from")
    name: str
    company: str
    level: str
    numbers: list[str] = Field(description="E.164")
    email: str
    note: str
    version: int

    @classmethod
    def of(cls, customer: Customer, masked: bool) -> Self:
        """From the desk's customer."""
        return cls(
            id=customer.id,
            external_id=customer.external_id,
            name=mask_name(customer.name) if masked else customer.name,
            company=customer.company,
            level=customer.level,
            numbers=[mask_number(n) if masked else n for n in customer.numbers],
            email=mask_email(customer.email) if masked else customer.email,
            note=mask_text(customer.note) if masked else customer.note,
            version=customer.version,
        )


class EntryOut(BaseModel):
    """An entry of the timeline."""

    seq: int = Field(description="1, 2, 3, … without gaps; the id of the event in the stream")
    at: datetime
    kind: str = Field(description="call.received, ticket.opened, transcript.added, …")
    call_id: str | None
    ticket_number: str | None
    customer_id: int | None
    actor: str
    body: dict[str, Any] | None = Field(description="null once erased")
    hash: str = Field(description="SHA-256 over the entry before and this one")

    @classmethod
    def of(cls, entry: Entry, masked: bool) -> Self:
        """From the desk's timeline."""
        body = entry.body
        return cls(
            seq=entry.seq,
            at=entry.at,
            kind=entry.kind,
            call_id=entry.call_id,
            ticket_number=ticket_number(entry.ticket_id) if entry.ticket_id else None,
            customer_id=entry.customer_id,
            actor=entry.actor,
            body=None if body is None else mask_body(body) if masked else dict(body),
            hash=entry.hash,
        )


class EntriesOut(BaseModel):
    """Entries, oldest first."""

    items: list[EntryOut]
    last: int = Field(description="pass it as `after` to go on")
