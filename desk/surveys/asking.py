"""Asking a customer: once per call, once per ticket and close, and so often in a month.

A close is asked about in one way: by keys where the call that closed the case goes on to that, else
on the page on which the customer confirmed, else by a link, which waits until that call is over.

Both limits are unique keys: `key` names the occasion, and (`who`, `month`, `nth`) is a place among
those that a customer has in a month. Two processes, or a call and a follower, take one place each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, ScalarSelect, or_, select

from desk import customers, links, messages
from desk.db.insert import insert_unless_there
from desk.db.schema import calls, confirmations
from desk.db.schema.survey import surveys
from desk.house import house_of
from desk.links import LinkSettings
from desk.messages import Channel as Way
from desk.messages import NewMessage
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
    because surveys are not rolled out, the call belongs to no ticket, the customer was asked often
    enough this month, has answered in this call already, or was asked about this close. Asked again
    in the same call, the same survey.
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
    if ticket.status == Status.CLOSED and _had(db, ticket):
        return None
    known = parsed(row.customer_ids)
    customer_id = ticket.customer_id or (known[0] if len(known) == 1 else None)
    who = _who(customer_id, row.e164) or key
    return _ask(db, key, "key", who, ticket, customer_id, policy, now, call_id=call_id)


def ask_by_link(
    db: Connection, ticket_id: int, policy: SurveyPolicy, now: datetime
) -> Survey | None:
    """Send the customer of a closed ticket a link, once per close; `survey.asked`. None: is not
    to be asked, or cannot be: the ticket is not closed, was asked about, the call that closed it
    goes on and may ask by keys, no address is known, links cannot be sent, or the customer was
    asked often enough this month.
    """
    ticket = get_ticket(db, ticket_id)
    if ticket is None or not policy.links.sendable or not _may_be_linked(db, ticket):
        return None
    address = address_of(db, ticket)
    if address is None:
        return None
    who = _who(ticket.customer_id, ticket.caller.e164) or address.to
    key = _of_close(ticket)
    asked = _ask(db, key, "link", who, ticket, ticket.customer_id, policy, now)
    if asked is None:
        return None
    _send(db, asked, ticket, address, policy, now)
    return one_of(db, surveys.c.key == key)


def ask_on_page(db: Connection, ticket_id: int, policy: SurveyPolicy, now: datetime) -> str | None:
    """Ask who has just closed a ticket by web link on the page that thanks him, in the transaction
    of the close, so that no link is sent besides; `survey.asked`. The token of the survey's own
    link; None: is not to be asked, see `ask_by_link`.
    """
    ticket = get_ticket(db, ticket_id)
    if ticket is None or not policy.settings.after_close or not _may_be_linked(db, ticket):
        return None
    key = _of_close(ticket)
    who = _who(ticket.customer_id, ticket.caller.e164) or key
    asked = _ask(db, key, "link", who, ticket, ticket.customer_id, policy, now)
    return _link(db, asked, policy, now) if asked is not None else None


def _of_close(ticket: Ticket) -> str:
    return f"close:{ticket.id}:{ticket.cycle}"


def _may_be_linked(db: Connection, ticket: Ticket) -> bool:
    if ticket.status != Status.CLOSED or not _rolled_out(db):
        return False
    return not _had(db, ticket) and not _call_goes_on(db, ticket)


def address_of(db: Connection, ticket: Ticket) -> Address | None:
    """Where the customer of a ticket gets a link: where he gets other messages about it, by SMS
    where a mobile is known."""
    for way in (Way.SMS, Way.EMAIL):
        if to := messages.address_of(db, ticket, way):
            return Address(way, to)
    return None


def _rolled_out(db: Connection) -> bool:
    return house_of(db).on(Switch.AUTOMATION_SURVEYS)


def _who(customer_id: int | None, e164: str) -> str:
    if customer_id is not None:
        return f"customer:{customer_id}"
    return f"number:{e164}" if e164 else ""


def _had(db: Connection, ticket: Ticket) -> bool:
    """Whether the customer was asked about this close: by link, by keys in the call that closed it,
    or has rated this cycle before. He is not asked the same in another way.
    """
    query = select(surveys.c.id).where(
        surveys.c.ticket_id == ticket.id,
        surveys.c.cycle == ticket.cycle,
        or_(
            surveys.c.answered_at.is_not(None),
            surveys.c.channel == "link",
            surveys.c.call_id == _closing_call(ticket),
        ),
    )
    return db.execute(query.limit(1)).first() is not None


def _call_goes_on(db: Connection, ticket: Ticket) -> bool:
    """Whether the call in which the customer confirmed is not over."""
    query = select(calls.c.id).where(
        calls.c.id == _closing_call(ticket), calls.c.ended_at.is_(None)
    )
    return db.execute(query).first() is not None


def _closing_call(ticket: Ticket) -> ScalarSelect[str | None]:
    of_it = confirmations.c.id == ticket.confirmation_id
    return select(confirmations.c.call_id).where(of_it).scalar_subquery()


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


def _link(db: Connection, asked: Survey, policy: SurveyPolicy, now: datetime) -> str:
    """Make a survey's link; its token."""
    expires_at = now + timedelta(days=policy.links.expire_days)
    token = links.make(db, "survey", asked.ticket_id, expires_at, now)
    link = links.open(db, token, now)
    assert link is not None  # noqa: S101 - it was made in this transaction
    db.execute(surveys.update().where(surveys.c.id == asked.id).values(link_id=link.id))
    return token


def _send(
    db: Connection,
    asked: Survey,
    ticket: Ticket,
    address: Address,
    policy: SurveyPolicy,
    now: datetime,
) -> None:
    address_text = links.url(policy.links, _link(db, asked, policy, now))
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
