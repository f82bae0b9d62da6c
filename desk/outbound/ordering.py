"""Calls that agents want: at once (click-to-call), or at a moment that was agreed upon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from desk import customers
from desk.errors import NoSuchCustomer, NoSuchTicket
from desk.outbound import limits, numbers, requests
from desk.outbound.errors import NotDialled, RequestEnded
from desk.outbound.limits import WHY, Cause
from desk.outbound.requests import NewRequest, Purpose, Request
from desk.outbound.settings import OutboundSettings
from desk.outbound.whom import known_numbers
from desk.region import Caller, locate
from desk.tickets.ticket import get as get_ticket

CLICK_SECONDS = timedelta(seconds=60)
"""So long an agent's click is waited for; after that the agent does something else."""
MOST_AHEAD = timedelta(days=366)
PASSING: frozenset[Cause] = frozenset({"most_per_hour", "most_at_once"})
"""Causes that a call at a later moment need not meet."""


@dataclass(frozen=True, slots=True)
class Order:
    """Whom an agent wants to talk to.

    Attributes:
        key: the same twice is one call.
        agent: the extension that is rung first.
        ticket_id, customer_id: whose number it is, where none is given, and what it is about.
        number: to be called, in any form.
        at: when; None: now.
        home_area_code: whose numbers those of 7 or 8 digits are.
    """

    key: str
    agent: str
    ticket_id: int | None = None
    customer_id: int | None = None
    number: str = ""
    at: datetime | None = None
    note: str = ""
    home_area_code: str = ""
    purpose: Purpose | None = None


def order(
    db: Connection, new: Order, settings: OutboundSettings, now: datetime, *, actor: str
) -> Request | NotDialled:
    """Want a call; or why it is not to be. Nothing is raised for the latter: an alarm may have to
    be kept.

    Raises:
        NoSuchTicket, NoSuchCustomer: there is none with this id.
    """
    if settings.trunk is None:
        return NotDialled("no_trunk", "no trunk calls customers; name one in outbound.trunk")
    callers, customer_id = _callers(db, new)
    chosen = numbers.choose(callers, settings.limits)
    if chosen is None:
        number = callers[0].input if callers else ""
        limits.hit(db, "prefix", number, "click", new.agent, now)
        return NotDialled("prefix", WHY["prefix"])
    caller, number = chosen
    cause = limits.why_not(db, number, caller.e164, settings.limits, now)
    if cause is not None and not (new.at is not None and cause in PASSING):
        limits.hit(db, cause, number, "click", new.agent, now)
        return NotDialled(cause, WHY[cause])
    if new.at is not None and not now - CLICK_SECONDS <= new.at <= now + MOST_AHEAD:
        return NotDialled(
            "moment", "that moment is over or a year away; name a later or nearer one"
        )
    made, _ = requests.add(
        db,
        NewRequest(
            key=new.key,
            purpose=new.purpose or ("scheduled" if new.at is not None else "click"),
            way="call",
            due_at=new.at or now,
            ticket_id=new.ticket_id,
            customer_id=customer_id,
            number=number,
            e164=caller.e164,
            agent=new.agent,
            note=new.note,
        ),
        now,
        actor=actor,
    )
    return made


def cancel(db: Connection, request_id: int, now: datetime, *, actor: str) -> Request:
    """Want it no more.

    Raises:
        NoSuchRequest: there is none with this id.
        RequestEnded: it is under way or over.
    """
    request = requests.for_change(db, request_id)
    if request.state == "done" and request.outcome == "cancelled":
        return request
    if request.state in ("dialling", "done"):
        raise RequestEnded(f"outbound call {request_id}", request.state)
    return requests.done(db, request, "cancelled", now, actor=actor)


def expired(request: Request, now: datetime) -> bool:
    """Whether a click has not been answered by the line in time."""
    return request.purpose in ("click", "revisit") and now - request.asked_at > CLICK_SECONDS


def _callers(db: Connection, new: Order) -> tuple[list[Caller], int | None]:
    """The numbers in question, and whose they are."""
    ticket = get_ticket(db, new.ticket_id) if new.ticket_id is not None else None
    if new.ticket_id is not None and ticket is None:
        raise NoSuchTicket(new.ticket_id)
    customer_id = new.customer_id or (ticket.customer_id if ticket is not None else None)
    customer = customers.get(db, customer_id) if customer_id is not None else None
    if customer_id is not None and customer is None:
        raise NoSuchCustomer(customer_id)
    if new.number:
        return [locate(new.number, new.home_area_code)], customer_id
    if ticket is not None:
        return known_numbers(db, ticket), customer_id
    return [locate(each) for each in (customer.numbers if customer else ())], customer_id
