"""Messages to customers by SMS and e-mail, what they answer, and who wants none."""

import secrets
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import Connection

from desk import messages
from desk.api.access import Reader, reader
from desk.api.paging import Page, by_moment, moment_from_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Limit, described, room
from desk.api.ticket_writing import ADD_ERRORS, Adding, Readable
from desk.api.writing import Write
from desk.masking import mask_email, mask_number, mask_text
from desk.messages import Channel, Message, OptOut, Reply
from desk.messages.received import of_ticket as replies_of
from desk.numbering import ticket_number
from desk.region import locate
from desk.tickets.change import By

router = room("messages")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("tickets:write"))]
Receiver = Annotated[Reader, Depends(reader("messages:receive"))]
Address = Annotated[str, Path(min_length=1, max_length=320)]


class MessageOut(BaseModel):
    """A message to a customer. What only the customer may read shows as `…`."""

    id: int
    channel: str
    to: str
    template: str
    subject: str
    text: str
    segments: int = Field(description="as how many SMS it is paid; 0 for an e-mail")
    state: str = Field(description="queued, sent, failed or dropped")
    reason: str = Field(description="why it was dropped or failed, or what is not sure")
    asks: str = Field(description="`confirm`: an answer 1 or 2 confirms or reopens the ticket")
    created_at: datetime
    next_at: datetime = Field(description="when it will be tried, while it is queued")
    ended_at: datetime | None

    @classmethod
    def of(cls, message: Message, masked: bool) -> Self:
        """From the desk's message."""
        sms = message.channel is Channel.SMS
        return cls(
            id=message.id,
            channel=message.channel.value,
            to=_masked(message.to, sms) if masked else message.to,
            template=message.template,
            subject=mask_text(message.subject) if masked else message.subject,
            text=mask_text(message.shown) if masked else message.shown,
            segments=message.segments,
            state=message.state.value,
            reason=message.reason,
            asks=message.asks.value,
            created_at=message.created_at,
            next_at=message.next_at,
            ended_at=message.ended_at,
        )


class AnswerOut(BaseModel):
    """What a customer answered by SMS."""

    at: datetime
    text: str
    outcome: str = Field(description="confirmed, reopened, noted or opted_out")


class MessagesOut(BaseModel):
    """A ticket's messages and the answers, each oldest first."""

    items: list[MessageOut]
    answers: list[AnswerOut]


class NewMessageIn(BaseModel):
    """A message to the ticket's customer."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel = Channel.SMS
    template: str = Field("free", max_length=60, description="see messages.templates")
    text: str = Field("", max_length=2000, description="what the template `free` shows")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.template == "free" and not self.text.strip():
            raise ValueError("give a text, or a template that has one")
        return self


class Received(BaseModel):
    """An SMS that a customer sent, as the provider tells it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    provider: str = Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_-]*$")
    id: str = Field(min_length=1, max_length=200, description="the provider's own id of it")
    sender: str = Field(
        alias="from", min_length=1, max_length=40, description="the number in any form"
    )
    text: str = Field(max_length=2000)


class ReplyOut(BaseModel):
    """What came of it. `again`: it was received before, and nothing was done now."""

    id: int
    outcome: str = Field(description="confirmed, reopened, noted, opted_out or unmatched")
    ticket_number: str | None
    again: bool

    @classmethod
    def of(cls, reply: Reply) -> Self:
        """From the desk's reply."""
        number = ticket_number(reply.ticket_id) if reply.ticket_id is not None else None
        return cls(
            id=reply.id, outcome=reply.outcome.value, ticket_number=number, again=reply.again
        )


class OptOutOut(BaseModel):
    """Somebody who wants no messages."""

    channel: str
    to: str
    reason: str
    actor: str
    at: datetime

    @classmethod
    def of(cls, found: OptOut, masked: bool) -> Self:
        """From the desk's."""
        sms = found.channel is Channel.SMS
        return cls(
            channel=found.channel.value,
            to=_masked(found.to, sms) if masked else found.to,
            reason=mask_text(found.reason) if masked else found.reason,
            actor=found.actor,
            at=found.at,
        )


class Why(BaseModel):
    """Why no messages are wanted."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class Changed(BaseModel):
    """Whether that is new."""

    changed: bool


@router.get("/tickets/{number}/messages", responses=MISSING)
async def messages_of_ticket(one: Readable) -> MessagesOut:
    """Messages to the ticket's customer and what came back, at most 200 each. Scope
    `tickets:read`.
    """
    written = await one.desk.db.read(messages.of_ticket, one.ticket.id)
    answers = await one.desk.db.read(replies_of, one.ticket.id)
    return MessagesOut(
        items=[MessageOut.of(message, one.masked) for message in written],
        answers=[
            AnswerOut(at=at, text=mask_text(text) if one.masked else text, outcome=outcome.value)
            for at, text, outcome in answers
        ],
    )


@router.post("/tickets/{number}/messages", responses=ADD_ERRORS, status_code=201)
async def send_message(change: Adding, body: NewMessageIn) -> MessageOut:
    """Write to the ticket's customer, in the words of a template; the version stays. It is sent
    when quiet hours, limits and opt-outs allow. Scope `tickets:write`.
    """
    templates, key = change.desk.templates, f"hand:{secrets.token_hex(16)}"

    def work(db: Connection, ticket_id: int, now: datetime, *, by: By) -> Message:
        number = messages.tell(
            db, templates, body.template, ticket_id, key, now, channel=body.channel,
            fields={"text": body.text}, actor=by.actor,
            by_hand=not by.program,
        )  # fmt: skip
        written = messages.get(db, number or 0)
        assert written is not None  # noqa: S101 - its key is new
        return written

    return await change.write(lambda made: MessageOut.of(made, change.masked), work)


@router.post("/messages/received")
async def receive(desk: Desk, _who: Receiver, write: Write, body: Received) -> ReplyOut:
    """An SMS from a customer. "1" or "2" answers the question that was sent to the number; anything
    else is noted on the ticket that it is about. The same `provider` and `id` again do nothing.
    Scope `messages:receive`.
    """
    words = tuple(desk.templates.settings.opt_out_words)
    return await write(
        ReplyOut.of, messages.received, body.sender, body.text, desk.now(), provider=body.provider,
        provider_id=body.id, opt_out_words=words,
    )  # fmt: skip


@router.get("/opt-outs")
async def list_opt_outs(
    desk: Desk, who: Allowed, limit: Limit = 50, cursor: Cursor = None
) -> Page[OptOutOut]:
    """Who wants no messages, newest first. Scope `tickets:read`."""
    before = moment_from_cursor(cursor)
    found = await desk.db.read(messages.opted_out, before=before, limit=limit + 1)
    return by_moment(found, limit, lambda o: o.at, lambda o: OptOutOut.of(o, who.masked), before)


@router.put("/opt-outs/{channel}/{to}")
async def opt_out(
    desk: Desk, who: Writer, write: Write, channel: Channel, to: Address, body: Why
) -> Changed:
    """Send nothing there any more, also what waits already. Scope `tickets:write`."""
    return await write(
        lambda changed: Changed(changed=changed),
        messages.opt_out, channel, _address(channel, to), desk.now(), actor=who.actor,
        reason=body.reason,
    )  # fmt: skip


@router.delete("/opt-outs/{channel}/{to}", responses=described({404: "nobody had opted out so"}))
async def opt_in(_who: Writer, write: Write, channel: Channel, to: Address) -> Changed:
    """Send there again. Scope `tickets:write`."""

    def tell(changed: bool) -> Changed:
        if not changed:
            raise Problem(
                404, "no-such-opt-out", "Not found", "Nobody with this address had opted out.",
                "GET /api/v1/opt-outs lists them.",
            )  # fmt: skip
        return Changed(changed=True)

    return await write(tell, messages.opt_in, channel, _address(channel, to))


def _address(channel: Channel, to: str) -> str:
    """A number in any form as messages have it; an address as it is.

    Raises:
        Problem: it is empty.
    """
    found = (locate(to).e164 or to).strip() if channel is Channel.SMS else to.strip()
    if not found:
        raise Problem(
            422, "invalid-request", "Invalid request", "No number or address is named.",
            "Name one in the path.",
        )  # fmt: skip
    return found


def _masked(to: str, sms: bool) -> str:
    return mask_number(to) if sms else mask_email(to)
