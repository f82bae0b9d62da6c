"""Asking a customer: once per call, once per ticket and close, and so often in a month.

Both limits are unique keys: `key` names the occasion, and (`who`, `month`, `nth`) is a place among
those that a customer has in a month. Two processes, or a call and a follower, take one place each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, select

from desk import customers, links, messages
from desk.db.insert import insert_unless_there
from desk.db.schema import calls
from desk.db.schema.survey import surveys
from desk.house import house_of
from desk.links import LinkSettings
from desk.messages import Channel as Way
from desk.messages import NewMessage
from desk.messages.put import is_mobile
from desk.messages.templates import Templates
from desk.rollout import Switch
from desk.surveys.settings import Channel, SurveySettings
from desk.surveys.survey import Survey, one_of
from desk.text import parsed
from desk.tickets import Status, Ticket
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

TEMPLATE = "survey"

_NAMES = (
    *("key", "channel", "who", "month", "nth", "ticket_id", "cycle", "customer_id", "call_id"),
    *("link_id", "asked_at", "comment", "effect"),
)
_INSERT = insert_unless_there(surveys, _NAMES)


@dataclass(frozen=True, slots=True)
class SurveyPolicy:
    """Everything that decides about surveys. `timezone`: in which a month is meant."""

    settings: SurveySettings
    links: LinkSettings
    templates: Templates
    timezone: tzinfo


@dataclass(frozen=True, slots=True)
class Address:
    """Where a link goes."""

    way: Way
    to: str


def ask_by_key(db: Connection, call_id: str, policy: SurveyPolicy, now: datetime) -> Survey | None:
    """Note that the caller of this call is asked now; `survey.asked`. None: is not to be asked,
    because surveys are not rolled out, the call belongs to no ticket, or the customer was asked
    often enough this month or has answered in this call already. Asked again in the same call, the
    same survey.
    """
    key = f"call:{call_id}"
    if not _rolled_out(db):
        return None
    there = one_of(db, surveys.c.key == key)
    if there is not None:
        return there if there.answered_at is None else None
    row = db.execute(
        select(calls.c.ticket_id, calls.c.customer_ids, calls.c.e164).where(calls.c.id == call_id)
    ).one_or_none()
    ticket = get_ticket(db, row.ticket_id) if row is not None and row.ticket_id else None
    if row is None or ticket is None:
        return None
    known = parsed(row.customer_ids)
    customer_id = ticket.customer_id or (known[0] if len(known) == 1 else None)
    who = _who(customer_id, row.e164) or key
    return _ask(db, key, "key", who, ticket, customer_id, policy, now, call_id=call_id)


def ask_by_link(
    db: Connection, ticket_id: int, policy: SurveyPolicy, now: datetime
) -> Survey | None:
    """Send the customer of a closed ticket a link, once per close; `survey.asked`. None: is not
    to be asked, or cannot be: the ticket is not closed, has been asked about since, no address is
    known, links cannot be sent, or the customer was asked often enough this month.
    """
    ticket = get_ticket(db, ticket_id)
    if ticket is None or ticket.status != Status.CLOSED or not policy.links.sendable:
        return None
    if not _rolled_out(db) or _has_answered(db, ticket):
        return None
    address = address_of(db, ticket)
    if address is None:
        return None
    who = _who(ticket.customer_id, ticket.caller.e164) or address.to
    key = f"close:{ticket.id}:{ticket.cycle}"
    return _ask(db, key, "link", who, ticket, ticket.customer_id, policy, now, address=address)


def address_of(db: Connection, ticket: Ticket) -> Address | None:
    """Where the customer of a ticket gets a link: the mobile that rang, another one on file, or by
    e-mail. Of customers who share a number, only the number itself is sure.
    """
    if is_mobile(ticket.caller.e164):
        return Address(Way.SMS, ticket.caller.e164)
    customer = customers.get(db, ticket.customer_id) if ticket.customer_id is not None else None
    if customer is None:
        return None
    mobile = next((number for number in customer.numbers if is_mobile(number)), None)
    if mobile is not None:
        return Address(Way.SMS, mobile)
    return Address(Way.EMAIL, customer.email) if customer.email else None


def _rolled_out(db: Connection) -> bool:
    return house_of(db).on(Switch.AUTOMATION_SURVEYS)


def _who(customer_id: int | None, e164: str) -> str:
    if customer_id is not None:
        return f"customer:{customer_id}"
    return f"number:{e164}" if e164 else ""


def _has_answered(db: Connection, ticket: Ticket) -> bool:
    """By key, in the call that closed it: is not asked the same again by SMS."""
    query = select(surveys.c.id).where(
        surveys.c.ticket_id == ticket.id,
        surveys.c.cycle == ticket.cycle,
        surveys.c.answered_at.is_not(None),
    )
    return db.execute(query.limit(1)).first() is not None


def _ask(
    db: Connection,
    key: str,
    channel: Channel,
    who: str,
    ticket: Ticket,
    customer_id: int | None,
    policy: SurveyPolicy,
    now: datetime,
    *,
    call_id: str | None = None,
    address: Address | None = None,
) -> Survey | None:
    row: dict[str, Any] = {
        "key": key,
        "channel": channel,
        "who": who,
        "month": now.astimezone(policy.timezone).strftime("%Y-%m"),
        "ticket_id": ticket.id,
        "cycle": ticket.cycle,
        "customer_id": customer_id,
        "call_id": call_id,
        "link_id": None,
        "asked_at": now,
        "comment": "",
        "effect": "",
    }
    if not _placed(db, row, policy.settings.most_per_month):
        return None
    asked = one_of(db, surveys.c.key == key)
    assert asked is not None  # noqa: S101 - it was placed in this transaction
    if address is not None:
        _send(db, asked, ticket, address, policy, now)
        asked = one_of(db, surveys.c.key == key)
        assert asked is not None  # noqa: S101
    append(
        db,
        kind="survey.asked",
        body={"survey_id": asked.id, "channel": channel, "number": ticket.number},
        now=now,
        call_id=call_id,
        ticket_id=ticket.id,
        customer_id=customer_id,
    )
    return asked


def _placed(db: Connection, row: dict[str, Any], most: int) -> bool:
    """Whether one of the customer's places in this month was free, and this occasion is new."""
    for nth in range(1, most + 1):
        if _INSERT.execute(db, {**row, "nth": nth}).rowcount == 1:
            return True
        if one_of(db, surveys.c.key == row["key"]) is not None:
            return False
    return False


def _send(
    db: Connection,
    asked: Survey,
    ticket: Ticket,
    address: Address,
    policy: SurveyPolicy,
    now: datetime,
) -> None:
    expires_at = now + timedelta(days=policy.links.expire_days)
    token = links.make(db, "survey", ticket.id, expires_at, now)
    link = links.open(db, token, now)
    assert link is not None  # noqa: S101 - it was made in this transaction
    db.execute(surveys.update().where(surveys.c.id == asked.id).values(link_id=link.id))
    address_text = links.url(policy.links, token)
    customer = customers.get(db, ticket.customer_id) if ticket.customer_id is not None else None
    fields = {
        "number": ticket.number,
        "subject": ticket.subject,
        "customer": customer.name if customer is not None else "",
        "link": address_text,
    }
    language = policy.templates.language(address.way, address.to)
    words = policy.templates.text(TEMPLATE, address.way, fields, language)
    new = NewMessage(
        channel=address.way.value,
        to=address.to,
        template=TEMPLATE,
        text=words.text,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        key=f"survey:{asked.id}",
        subject=words.subject,
        secret=address_text,
        fields=words.fields,
    )
    messages.put(db, new, now)
