"""What is known of a ticket at a moment, as conditions ask for it (see `schema`)."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, select

from desk.db.prepared import Prepared
from desk.db.schema import calls, customers, sla_clocks, talks, tickets, timeline
from desk.db.types import moment
from desk.errors import NoSuchTicket
from desk.routing.words import text_of
from desk.sla.editions import latest
from desk.text import parsed
from desk.tickets.states import OPEN
from desk.tickets.ticket import Ticket, get

ZONE: tzinfo = ZoneInfo("Asia/Shanghai")

_OPEN = [status.value for status in sorted(OPEN)]
_CUSTOMER = Prepared(
    select(customers.c.name, customers.c.company, customers.c.level, customers.c.score).where(
        customers.c.id == bindparam("of_customer")
    )
)
_OTHERS = (
    select(func.count())
    .select_from(tickets)
    .where(tickets.c.customer_id == bindparam("of_customer"), tickets.c.status.in_(_OPEN))
)
_CALLS = Prepared(
    select(calls.c.id, calls.c.direction, calls.c.cause)
    .where(calls.c.ticket_id == bindparam("of_ticket"))
    .order_by(calls.c.received_at.desc(), calls.c.id.desc())
)
_CHOSEN = Prepared(
    select(timeline.c.body)
    .where(timeline.c.call_id == bindparam("of_call"), timeline.c.kind == "menu.chosen")
    .order_by(timeline.c.seq.desc())
    .limit(1)
)
_TALKED = Prepared(
    select(talks.c.agent)
    .where(talks.c.call_id == bindparam("of_call"))
    .order_by(talks.c.started_at.desc())
    .limit(1)
)
_CLOCK = Prepared(
    select(sla_clocks.c.state, sla_clocks.c.due_at)
    .where(sla_clocks.c.ticket_id == bindparam("of_ticket"), sla_clocks.c.target == "resolution")
    .order_by(sla_clocks.c.cycle.desc())
    .limit(1)
)
_RENAMED = {"from": "before"}  # words of entries that a condition cannot write


def facts_of(
    db: Connection,
    ticket_id: int,
    now: datetime,
    event: Mapping[str, Any] | None = None,
    *,
    zone: tzinfo = ZONE,
    text: str | None = None,
) -> dict[str, Any]:
    """Everything that conditions can ask about a ticket.

    Args:
        event: what has just happened: `kind`, `actor`, and what the entry's body says.
        zone: in which `now.hour` and the days are meant while no service levels are in force:
            otherwise they are those of the team's calendar.
        text: the words to look at instead of all that the ticket was told in.

    Raises:
        NoSuchTicket: there is none.
    """
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    count, call = _call(db, ticket_id)
    return {
        "ticket": {
            **_told(ticket, now),
            **_clock(db, ticket_id, now),
            "calls": count,
            "text": text_of(db, ticket) if text is None else text,
        },
        "customer": _customer(db, ticket.customer_id),
        "call": call,
        "event": event_facts(event or {}),
        "now": moment_facts(now, zone_of(db, ticket.team, zone)),
    }


def zone_of(db: Connection, team: str, otherwise: tzinfo = ZONE) -> tzinfo:
    """The zone of a team's days: its calendar's."""
    book = latest(db)
    return book.zone(team) if book is not None else otherwise


def event_facts(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event with the names that conditions know it by."""
    return {_RENAMED.get(name, name): value for name, value in event.items()}


def moment_facts(now: datetime, zone: tzinfo = ZONE) -> dict[str, Any]:
    """A moment as people there say it."""
    here = now.astimezone(zone)
    return {
        "at": now,
        "date": here.date().isoformat(),
        "hour": here.hour,
        "minute": here.minute,
        "weekday": here.isoweekday(),
        "day": here.day,
        "month": here.month,
    }


def _told(ticket: Ticket, now: datetime) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "type": ticket.type,
        "status": ticket.status,
        "level": ticket.level,
        "priority": ticket.priority,
        "cycle": ticket.cycle,
        "team": ticket.team,
        "assignee": ticket.assignee,
        "subject": ticket.subject,
        "solution": ticket.solution,
        "labels": ticket.labels,
        "area_code": ticket.area_code,
        "province": ticket.province,
        "city": ticket.city,
        "number_kind": ticket.caller.kind,
        "opened_at": ticket.opened_at,
        "updated_at": ticket.updated_at,
        "age_minutes": _minutes(now - ticket.opened_at),
        "idle_minutes": _minutes(now - ticket.updated_at),
        "by_hand": ticket.call_id is None,
        "fields": dict(ticket.fields),
    }


def _clock(db: Connection, ticket_id: int, now: datetime) -> dict[str, Any]:
    row = _CLOCK.execute(db, {"of_ticket": ticket_id}).fetchone()
    if row is None:
        return {}
    state, due_at = row
    left = _minutes(moment(due_at) - now) if due_at is not None else 0
    return {"sla_state": state, "sla_due_minutes": left}


def _call(db: Connection, ticket_id: int) -> tuple[int, dict[str, Any]]:
    """How many calls the ticket has, and its last one."""
    rows = _CALLS.execute(db, {"of_ticket": ticket_id}).fetchall()
    if not rows:
        return 0, {}
    call_id, direction, cause = rows[0]
    of_call = {"of_call": call_id}
    chosen = _CHOSEN.execute(db, of_call).fetchone()
    body = parsed(chosen[0]) if chosen is not None and chosen[0] is not None else {}
    talk = _TALKED.execute(db, of_call).fetchone()
    return len(rows), {
        "id": call_id,
        "direction": direction,
        "cause": cause or "",
        "choice": body.get("label", ""),
        "menu": body.get("menu", ""),
        "talked": talk is not None,
        "agent": f"agent:{talk[0]}" if talk is not None else "",
    }


def _customer(db: Connection, customer_id: int | None) -> dict[str, Any]:
    if customer_id is None:
        return {"known": False}
    values = {"of_customer": customer_id}
    row = _CUSTOMER.execute(db, values).fetchone()
    if row is None:
        return {"known": False}
    name, company, level, score = row
    return {
        "known": True,
        "name": name,
        "company": company,
        "level": level,
        "score": score if score is not None else 0,
        "open_tickets": db.execute(_OTHERS, values).scalar_one(),
    }


def _minutes(span: timedelta) -> float:
    return round(span.total_seconds() / 60, 1)
