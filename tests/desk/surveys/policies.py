"""Policies, customers and closed cases for tests of surveys."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from desk import customers, journal, links, surveys, tickets
from desk.customers import Customer
from desk.journal import NewCall
from desk.links import LinkSettings
from desk.messages.settings import MessageSettings
from desk.messages.templates import Templates
from desk.region import locate
from desk.surveys import SurveyPolicy, SurveySettings
from desk.tickets import NewTicket, Ticket, closing, steps
from tests.desk.lifecycle.cases import AGENT, LATER, SYSTEM, key
from tests.rig.samples import NOW

MOBILE = "13820221234"
BASE = "https://hui.example.cn"


def policy(base_url: str = BASE, **settings: Any) -> SurveyPolicy:
    return SurveyPolicy(
        SurveySettings.model_validate(settings),
        LinkSettings(base_url=base_url),
        Templates(MessageSettings(), "示例公司"),
        ZoneInfo("Asia/Shanghai"),
    )


POLICY = policy()


def customer(db: Connection, number: str = MOBILE, email: str = "") -> Customer:
    customers.import_csv(db, f"name,numbers,email\n王小明,{number},{email}\n", NOW)
    (found,) = customers.find_by_number(db, locate(number).e164)
    return found


def resolved(
    db: Connection, call_id: str = "c1", number: str = MOBILE, now: datetime = NOW
) -> Ticket:
    """A case that waits for its customer's word, in a call that still goes on."""
    known = customers.find_by_number(db, locate(number).e164)
    ids = tuple(one.id for one in known)
    journal.begin(db, NewCall(call_id, "4001234567", number, locate(number), ids), now)
    ticket = tickets.open_ticket(db, NewTicket("complaint", "不制冷", call_id=call_id), now)
    ticket = steps.start(db, ticket.id, now, by=AGENT, expected_version=ticket.version)
    at = now + (LATER - NOW)
    return closing.resolve(
        db, ticket.id, "换了压缩机", at, by=AGENT, expected_version=ticket.version
    )


def closed(db: Connection, call_id: str = "c1", number: str = MOBILE) -> Ticket:
    """A case that its customer has closed by key, in a call that is over."""
    ticket = closed_in_call(db, call_id, number)
    journal.end(db, call_id, "completed", LATER)
    return ticket


def closed_in_call(db: Connection, call_id: str = "c1", number: str = MOBILE) -> Ticket:
    """Likewise, in a call that goes on."""
    ticket = resolved(db, call_id, number)
    return closing.confirm(db, ticket.id, key(call_id), LATER, by=SYSTEM, expected_version=None)


def linked(db: Connection, call_id: str = "c1", number: str = MOBILE) -> tuple[Ticket, str]:
    """A closed case whose customer was sent a link, and the link's token."""
    ticket = closed(db, call_id, number)
    asked = surveys.ask_by_link(db, ticket.id, POLICY, LATER)
    assert asked is not None
    return ticket, token_sent(db, ticket.id)


def token_sent(db: Connection, ticket_id: int) -> str:
    """The token in the newest message about a ticket."""
    query = "SELECT secret FROM messages WHERE ticket_id = :of ORDER BY id DESC LIMIT 1"
    secret: str = db.execute(text(query), {"of": ticket_id}).scalar_one()
    return secret.rpartition(links.PATH)[2]
