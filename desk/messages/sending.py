"""Taking messages to send, and recording what came of it; for whoever sends them.

A message is claimed before it is sent. What a process that died had claimed, nobody knows of: an
SMS counts as sent, for a customer must not get it twice; an e-mail is sent again, under the id
that it had, by which mail programs tell that it is the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from desk.db.prepared import Prepared
from desk.db.schema.automation import message_channels, message_optouts, messages
from desk.db.types import moment
from desk.messages.message import Channel, Message, State, hidden, message_of
from desk.messages.quiet import loud_again, next_day, start_of_day
from desk.messages.settings import MessageSettings
from desk.text import storable
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

_NEXT = Prepared(
    select(func.min(func.coalesce(messages.c.claimed_until, messages.c.next_at))).where(
        messages.c.channel == bindparam("of_channel"), messages.c.state == State.QUEUED.value
    )
)
UNKNOWN = "it is not known whether it arrived; it counts as sent"


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it, under an id of its own."""

    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the provider has it."""

    error: str


@dataclass(frozen=True, slots=True)
class Later:
    """The provider surely does not have it, and may take it later.

    retry_after: seconds that it asks us to stay away.
    """

    error: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it."""

    error: str


Result = Sent | Unknown | Later | Refused


def claim(
    db: Connection,
    channel: Channel,
    claimant: str,
    now: datetime,
    until: datetime,
    limit: int,
    settings: MessageSettings,
    tz: tzinfo,
) -> list[Message]:
    """Take what is to be sent now and nobody else is sending: the claimant's until it is settled,
    or until `until`. What must not be sent any more is dropped, what must wait is put off.

    Args:
        tz: the company's, in which quiet hours and days are meant.
    """
    held = message_channels.c.channel == channel.value
    db.execute(select(message_channels.c.channel).where(held).with_for_update()).all()
    _presume_sent(db, channel, now)
    if channel is Channel.SMS and (until_loud := loud_again(now, settings.quiet_hours, tz)):
        _put_off(db, channel, now, until_loud)
        return []
    taken: list[Message] = []
    busy = _being_sent_to(db, channel, now)
    for row in db.execute(_due(channel, now).limit(limit)).all():
        message = message_of(row)
        if message.to in busy:
            continue  # one after the other, so that they arrive as they were written
        if why_not := _why_not(db, message, now, settings):
            _end(db, message, State.DROPPED, now, reason=why_not)
        elif (
            channel is Channel.SMS and _of_today(db, message, now, tz) >= settings.per_number_daily
        ):
            _set(db, message.id, next_at=next_day(now, settings.quiet_hours, tz))
        else:
            _set(
                db, message.id, claimed_by=claimant, claimed_until=until, attempted_at=now,
                attempts=message.attempts + 1,
            )  # fmt: skip
            taken.append(message)
            busy.add(message.to)
    return taken


def settle(
    db: Connection,
    message: Message,
    claimant: str,
    provider: str,
    result: Result,
    now: datetime,
    settings: MessageSettings,
    draw: float = 1.0,
) -> State | None:
    """Record what came of sending a message; `message.sent` or `message.failed` when that is all.

    Args:
        message: as it was claimed.
        draw: 0 to 1: which part of the back-off is waited.

    Returns:
        its state now; None: it is not the claimant's any more, and nothing changed.
    """
    owned = select(messages.c.claimed_by).where(messages.c.id == message.id).with_for_update()
    if db.execute(owned).scalar() != claimant:
        return None
    attempts = message.attempts + 1
    match result:
        case Sent(provider_id=provider_id):
            return _end(db, message, State.SENT, now, provider=provider, provider_id=provider_id)
        case Unknown(error=error) if message.channel is Channel.SMS:
            reason = f"{UNKNOWN}: {error}"
            return _end(db, message, State.SENT, now, provider=provider, reason=reason)
        case Refused(error=error):
            return _end(db, message, State.FAILED, now, provider=provider, reason=error)
        case Later(error=error) | Unknown(error=error):
            if attempts >= settings.most_attempts:
                return _end(db, message, State.FAILED, now, provider=provider, reason=error)
            wait = draw * min(
                settings.retry_most_seconds,
                settings.retry_first_seconds * 2.0 ** min(message.attempts, 40),
            )
            asked = result.retry_after if isinstance(result, Later) else None
            _set(
                db, message.id, claimed_by=None, claimed_until=None, reason=storable(error, 500),
                next_at=now + timedelta(seconds=max(wait, min(asked or 0.0, 3600.0))),
            )  # fmt: skip
    return State.QUEUED


def release(db: Connection, taken: Sequence[Message], claimant: str) -> None:
    """Give back what was claimed and surely not begun to be sent."""
    for message in taken:
        db.execute(
            update(messages)
            .where(messages.c.id == message.id, messages.c.claimed_by == claimant)
            .values(claimed_by=None, claimed_until=None, attempts=message.attempts)
        )


def next_due_at(db: Connection, channel: Channel) -> datetime | None:
    """When the next message is due, or the claim of one ends; may be past; None: none waits."""
    (at,) = _NEXT.execute(db, {"of_channel": channel.value}).fetchone()
    return moment(at) if at is not None else None


def _due(channel: Channel, now: datetime) -> Any:
    return (
        select(messages)
        .where(
            messages.c.channel == channel.value,
            messages.c.state == State.QUEUED.value,
            messages.c.next_at <= now,
            or_(messages.c.claimed_until.is_(None), messages.c.claimed_until <= now),
        )
        .order_by(messages.c.next_at, messages.c.id)
        .with_for_update(skip_locked=True)
    )


def _presume_sent(db: Connection, channel: Channel, now: datetime) -> None:
    if channel is not Channel.SMS:
        return
    lost = select(messages).where(
        messages.c.channel == channel.value,
        messages.c.state == State.QUEUED.value,
        messages.c.claimed_until <= now,
    )
    for row in db.execute(lost.with_for_update(skip_locked=True)).all():
        _end(db, message_of(row), State.SENT, now, reason=UNKNOWN)


def _being_sent_to(db: Connection, channel: Channel, now: datetime) -> set[str]:
    claimed = select(messages.c.recipient).where(
        messages.c.channel == channel.value,
        messages.c.state == State.QUEUED.value,
        messages.c.claimed_until > now,
    )
    return set(db.execute(claimed).scalars())


def _put_off(db: Connection, channel: Channel, now: datetime, until: datetime) -> None:
    waiting = update(messages).where(
        messages.c.channel == channel.value,
        messages.c.state == State.QUEUED.value,
        messages.c.next_at <= now,
        messages.c.claimed_until.is_(None),
    )
    db.execute(waiting.values(next_at=until))


def _why_not(db: Connection, message: Message, now: datetime, settings: MessageSettings) -> str:
    if message.due_at + timedelta(hours=settings.give_up_hours) < now:
        return f"it could not be sent within {settings.give_up_hours:g} hours"
    out = select(message_optouts.c.at).where(
        message_optouts.c.channel == message.channel.value,
        message_optouts.c.recipient == message.to,
    )
    if db.execute(out).first() is not None:
        return "the recipient wants no messages"
    if message.only_while and message.ticket_id is not None:
        ticket = get_ticket(db, message.ticket_id)
        if ticket is None or (ticket.status, ticket.cycle) != (message.only_while, message.cycle):
            return "the case has moved on since it was written"
    return ""


def _of_today(db: Connection, message: Message, now: datetime, tz: tzinfo) -> int:
    today = select(func.count()).where(
        messages.c.recipient == message.to,
        messages.c.channel == message.channel.value,
        messages.c.id != message.id,
        messages.c.attempted_at >= start_of_day(now, tz),
    )
    found: int = db.execute(today).scalar_one()
    return found


def _set(db: Connection, message_id: int, **values: Any) -> None:
    db.execute(update(messages).where(messages.c.id == message_id).values(**values))


def _end(
    db: Connection, message: Message, state: State, now: datetime, *, reason: str = "",
    provider: str = "", provider_id: str = "",
) -> State:  # fmt: skip
    """Settle a message for good; its secret, and what only a provider needs, are forgotten."""
    reason = storable(reason, 500)
    _set(
        db, message.id, state=state.value, reason=reason, ended_at=now, provider=provider,
        provider_id=storable(provider_id, 200), claimed_by=None, claimed_until=None,
        text=message.shown, secret="", fields="{}",
    )  # fmt: skip
    body: dict[str, Any] = {
        "message_id": message.id,
        "channel": message.channel.value,
        "template": message.template,
    }
    about = {"ticket_id": message.ticket_id, "customer_id": message.customer_id}
    text = hidden(message.text, message.secret)
    if state is State.SENT:
        body |= {"provider": provider, "segments": message.segments, "sure": not reason}
        append(db, kind="message.sent", body=body, now=now, **about)  # type: ignore[arg-type]
    elif state is State.FAILED:
        append(db, kind="message.failed", body={**body, "reason": reason}, now=now, **about)  # type: ignore[arg-type]
    else:
        told = {**body, "text": text, "reason": reason}
        append(db, kind="message.dropped", body=told, now=now, **about)  # type: ignore[arg-type]
    return state
