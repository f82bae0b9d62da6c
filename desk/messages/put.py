"""Writing a message down to be sent, and reading messages."""

from datetime import datetime

import phonenumbers
from sqlalchemy import Connection, select

from desk.db.insert import insert_unless_there
from desk.db.schema.automation import messages
from desk.errors import NoSuchTicket
from desk.messages.message import (
    MOST_SUBJECT,
    MOST_TEXT,
    Asks,
    Channel,
    Message,
    NewMessage,
    State,
    hidden,
    message_of,
)
from desk.messages.segments import segments
from desk.text import canonical, storable
from desk.tickets.states import Status
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

MOST_KEY = 200
MOST = 200

_COLUMNS = tuple(name for name in messages.c.keys() if name != "id")  # noqa: SIM118
_INSERT = insert_unless_there(messages, _COLUMNS)


def put(db: Connection, new: NewMessage, now: datetime) -> int | None:
    """Write a message down; the bridge sends it. `message.queued`, or `message.dropped` where
    there is nobody to send it to.

    Returns:
        its id, or None: the key is there already, and nothing was written.

    Raises:
        ValueError: there is no text, the key or the channel is unusable.
        NoSuchTicket: there is none with this id.
    """
    channel = Channel(new.channel)
    if not new.text.strip() or len(new.text) > MOST_TEXT:
        raise ValueError(f"a message has 1 to {MOST_TEXT} characters of text, not {len(new.text)}")
    if not new.key or len(new.key) > MOST_KEY:
        raise ValueError(f"a message's key has 1 to {MOST_KEY} characters; name its cause")
    if new.secret and new.secret not in new.text:
        raise ValueError("a message's secret is a part of its text; give it as it stands there")
    why_not = unreachable(channel, new.to)
    due_at = max(new.not_before or now, now)
    asks = Asks(new.asks)
    only_while = Status(new.only_while).value if new.only_while else ""
    if asks is Asks.CONFIRM:
        only_while = Status.RESOLVED.value
    row = {
        "key": new.key,
        "channel": channel.value,
        "recipient": storable(new.to, 320),
        "template": storable(new.template, 60),
        "subject": storable(new.subject, MOST_SUBJECT),
        "text": storable(new.text, MOST_TEXT),
        "secret": new.secret,
        "fields": canonical(dict(new.fields)),
        "segments": segments(new.text) if channel is Channel.SMS else 0,
        "ticket_id": new.ticket_id,
        "customer_id": new.customer_id,
        "asks": asks.value,
        "only_while": only_while,
        "cycle": _cycle(db, new.ticket_id),
        "answered_at": None,
        "state": (State.DROPPED if why_not else State.QUEUED).value,
        "reason": why_not,
        "attempts": 0,
        "due_at": due_at,
        "next_at": due_at,
        "created_at": now,
        "ended_at": now if why_not else None,
        "attempted_at": None,
        "provider": "",
        "provider_id": "",
        "claimed_by": None,
        "claimed_until": None,
    }
    if why_not:
        row |= {"text": hidden(new.text, new.secret), "secret": "", "fields": "{}", "asks": ""}
    if _INSERT.execute(db, row).rowcount == 0:
        return None
    of_key = select(messages.c.id).where(messages.c.key == new.key)
    message_id: int = db.execute(of_key).scalar_one()
    told = {
        "message_id": message_id,
        "channel": channel.value,
        "template": row["template"],
        "text": hidden(new.text, new.secret),
    }
    if why_not:
        append(
            db,
            kind="message.dropped",
            body={**told, "reason": why_not},
            now=now,
            ticket_id=new.ticket_id,
            customer_id=new.customer_id,
            actor=new.actor,
        )
    else:
        append(
            db,
            kind="message.queued",
            body={**told, "by_hand": new.by_hand},
            now=now,
            ticket_id=new.ticket_id,
            customer_id=new.customer_id,
            actor=new.actor,
        )
    return message_id


def get(db: Connection, message_id: int) -> Message | None:
    """The message with this id."""
    row = db.execute(select(messages).where(messages.c.id == message_id)).one_or_none()
    return message_of(row) if row is not None else None


def of_ticket(db: Connection, ticket_id: int, limit: int = MOST) -> list[Message]:
    """A ticket's messages, oldest first, at most 200."""
    query = select(messages).where(messages.c.ticket_id == ticket_id).order_by(messages.c.id)
    return [message_of(row) for row in db.execute(query.limit(min(limit, MOST)))]


def unreachable(channel: Channel, to: str) -> str:
    """Why nothing can be sent there; `""` where it can."""
    if channel is Channel.SMS:
        return "" if is_mobile(to) else "no mobile number is known; ask the customer for one"
    local, at, domain = to.rpartition("@")
    plain = to.isprintable() and not any(char in " ,;<>\"'()[]\\:" for char in to)
    if at and local and "." in domain and plain and "@" not in local and len(to) <= 254:
        return ""
    return "no e-mail address is known; ask the customer for one"


def is_mobile(e164: str) -> bool:
    """Whether a number can receive SMS, as far as its form tells. In China: 1 and 3 to 9, eleven
    digits (privacy numbers, 700…, and land lines cannot)."""
    if e164.startswith("+86"):
        national = e164[3:]
        return (
            national.isascii()
            and national.isdigit()
            and len(national) == 11
            and "13" <= national[:2] <= "19"
        )
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
    kind = phonenumbers.number_type(number)
    return kind in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


def _cycle(db: Connection, ticket_id: int | None) -> int:
    if ticket_id is None:
        return 0
    ticket = get_ticket(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    return ticket.cycle
