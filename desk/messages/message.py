"""What a message is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from desk.db.types import moment
from desk.text import parsed

MOST_TEXT = 2000
MOST_SUBJECT = 200
HIDDEN = "…"


class Channel(StrEnum):
    """By which way a message goes."""

    SMS = "sms"
    EMAIL = "email"


class State(StrEnum):
    """Where a message stands. `dropped`: it was decided not to send it; `reason` says why."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class Asks(StrEnum):
    """What an answer to a message would mean."""

    NOTHING = ""
    CONFIRM = "confirm"  # 1: the case is solved, 2: it is not


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that shall be sent once.

    Attributes:
        channel: `sms` or `email`.
        to: a mobile number (E.164) or an address.
        template: the name of the template that the text was made from; providers that hold their
            own templates go by it and by `fields`.
        text: what is sent, ready.
        key: a second message with the same key is not written: name the cause, like
            `resolved:{ticket_id}:{cycle}`.
        subject: of an e-mail.
        secret: a part of `text` that only the recipient may read, such as a link: it is struck
            out of the record as soon as the message is gone, and never enters the timeline.
        asks: `confirm` where an answer 1 or 2 confirms or reopens the ticket.
        only_while: the status that the ticket must still have, in the same cycle, when it goes;
            `""`: whatever it has. A question whether a case is solved goes only while it is
            resolved, whatever is given here.
        not_before: when it may go; None: now.
        actor: who writes.
        by_hand: a person does, and no program: to the customer it is an answer once it has gone.
    """

    channel: str
    to: str
    template: str
    text: str
    ticket_id: int | None
    customer_id: int | None
    key: str
    subject: str = ""
    secret: str = ""
    asks: str = ""
    only_while: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    not_before: datetime | None = None
    actor: str = "system"
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is recorded; see `NewMessage`.

    Attributes:
        cycle: the ticket's when it was written; 0 without a ticket.
        segments: how many SMS it is paid as; 0 for an e-mail.
        attempts: how often sending was begun.
        provider_id: what the provider calls it.
    """

    id: int
    key: str
    channel: Channel
    to: str
    template: str
    subject: str
    text: str
    secret: str
    fields: Mapping[str, str]
    segments: int
    ticket_id: int | None
    customer_id: int | None
    asks: Asks
    only_while: str
    cycle: int
    answered_at: datetime | None
    state: State
    reason: str
    attempts: int
    due_at: datetime
    next_at: datetime
    created_at: datetime
    ended_at: datetime | None
    provider: str
    provider_id: str

    @property
    def shown(self) -> str:
        """The text without its secret."""
        return hidden(self.text, self.secret)


def hidden(text: str, secret: str) -> str:
    """The text with its secret struck out."""
    return text.replace(secret, HIDDEN) if secret else text


def message_of(row: Any) -> Message:
    """The message in a row of all columns."""
    return Message(
        id=row.id,
        key=row.key,
        channel=Channel(row.channel),
        to=row.recipient,
        template=row.template,
        subject=row.subject,
        text=row.text,
        secret=row.secret,
        fields=parsed(row.fields),
        segments=row.segments,
        ticket_id=row.ticket_id,
        customer_id=row.customer_id,
        asks=Asks(row.asks),
        only_while=row.only_while,
        cycle=row.cycle,
        answered_at=_moment(row.answered_at),
        state=State(row.state),
        reason=row.reason,
        attempts=row.attempts,
        due_at=moment(row.due_at),
        next_at=moment(row.next_at),
        created_at=moment(row.created_at),
        ended_at=_moment(row.ended_at),
        provider=row.provider,
        provider_id=row.provider_id,
    )


def _moment(value: Any) -> datetime | None:
    return moment(value) if value is not None else None
