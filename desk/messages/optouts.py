"""Who wants no messages on a channel."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from desk.db.insert import insert_unless_there
from desk.db.schema.automation import message_optouts
from desk.db.types import moment
from desk.messages.message import Channel
from desk.text import storable

MOST = 200
_INSERT = insert_unless_there(message_optouts, ("channel", "recipient", "reason", "actor", "at"))


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody who wants no messages on a channel."""

    channel: Channel
    to: str
    reason: str
    actor: str
    at: datetime


def opt_out(
    db: Connection, channel: Channel, to: str, now: datetime, *, actor: str, reason: str = ""
) -> bool:
    """Send nothing there any more, also what waits already; whether that is new.

    Raises:
        ValueError: nobody is named.
    """
    recipient = storable(to.strip(), 320)
    if not recipient:
        raise ValueError("name the number or address that wants no messages")
    row = {
        "channel": channel.value,
        "recipient": recipient,
        "reason": storable(reason, 500),
        "actor": storable(actor, 200),
        "at": now,
    }
    return bool(_INSERT.execute(db, row).rowcount)


def opt_in(db: Connection, channel: Channel, to: str) -> bool:
    """Send there again; whether that is new."""
    gone = delete(message_optouts).where(
        message_optouts.c.channel == channel.value, message_optouts.c.recipient == to.strip()
    )
    return bool(db.execute(gone).rowcount)


def opted_out(
    db: Connection,
    channel: Channel | None = None,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = MOST,
) -> list[OptOut]:
    """Who wants no messages, newest first, at most 200. `before`: the moment of the last one of the
    previous pages, and how many of that moment they had. So a place in the list names nobody.
    """
    kept = message_optouts.c
    query = select(message_optouts).order_by(kept.at.desc(), kept.channel, kept.recipient)
    if channel is not None:
        query = query.where(kept.channel == channel.value)
    if before is not None:
        at, had = before
        query = query.where(kept.at <= at).offset(had)
    return [
        OptOut(Channel(row.channel), row.recipient, row.reason, row.actor, moment(row.at))
        for row in db.execute(query.limit(min(limit, MOST)))
    ]
