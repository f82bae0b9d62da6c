"""Resolved cases whose customers are to be asked, and the desk that asks them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from desk import customers, journal, tickets
from desk.chores import catch_up
from desk.customers.reading import CustomerRow
from desk.customers.upsert import upsert
from desk.db.engine import Database
from desk.journal import NewCall
from desk.links import LinkSettings
from desk.messages.settings import MessageSettings
from desk.messages.templates import Templates
from desk.outbound import (
    NewAttempt,
    OutboundSettings,
    Request,
    limits,
    outbound_chores,
    requests,
)
from desk.outbound import attempts as attempts_of
from desk.region import locate
from desk.tickets import By, NewTicket, Role, Ticket, closing, steps

CHINA = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # a Wednesday, 10:00 in Tianjin
EVENING = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)  # 20:30
MOBILE, LANDLINE = "13820220001", "02287654321"
AGENT = By("agent:8001", Role.AGENT)
SETTINGS = OutboundSettings(trunk="carrier")


def confirming(**values: Any) -> OutboundSettings:
    """Settings with these about asking."""
    confirm = SETTINGS.confirm.model_copy(update=values)
    return SETTINGS.model_copy(update={"confirm": confirm})


def chores_of(settings: OutboundSettings = SETTINGS, base_url: str = "") -> Any:
    templates = Templates(MessageSettings(), "示例公司")
    return outbound_chores(settings, LinkSettings(base_url=base_url), templates, CHINA)


async def look(
    db: Database, now: datetime, settings: OutboundSettings = SETTINGS, base_url: str = ""
) -> None:
    """Let everything happen that is due."""
    await catch_up(db, chores_of(settings, base_url), lambda: now)


def case(
    db: Connection,
    number: str = MOBILE,
    *,
    level: int = 0,
    owners: int = 1,
    on_file: tuple[str, ...] = (),
    now: datetime = MORNING,
) -> Ticket:
    """A resolved case of a customer with this number (`""`: withheld)."""
    numbers = tuple(locate(each, "022").e164 for each in on_file or (number,) if each)
    rows = [CustomerRow(n, None, f"王{n}", "", "", numbers, "", "") for n in range(owners)]
    upsert(db, rows, now)
    found = customers.find_by_number(db, numbers[0]) if numbers else []
    new = NewTicket(
        "complaint", "天津 投诉",
        caller=locate(number or "anonymous", "022"),
        customer_ids=tuple(each.id for each in found),
    )  # fmt: skip
    ticket = tickets.open_ticket(db, new, now)
    if level:
        from desk.db.schema import tickets as table

        db.execute(table.update().where(table.c.id == ticket.id).values(level=level))
    return solve(db, ticket.id, now)


def solve(db: Connection, ticket_id: int, now: datetime) -> Ticket:
    """Resolve a case, by the agent who has it then."""
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    started = steps.start(db, ticket_id, now, by=AGENT, expected_version=ticket.version)
    return closing.resolve(
        db, ticket_id, "换了主板", now, by=AGENT, expected_version=started.version
    )


def request_of(db: Connection, ticket_id: int) -> Request:
    """The newest one about a ticket."""
    return requests.search(db, ticket_id=ticket_id)[0]


def dial(db: Connection, request: Request, channel_id: str, now: datetime) -> None:
    """As the line does: take the request, write attempt and call."""
    caller = locate(request.e164)
    attempt = NewAttempt(
        channel_id, request.purpose, request.number, request.e164, "02288880000",
        request_id=request.id, ticket_id=request.ticket_id,
    )  # fmt: skip
    assert limits.begin(db, attempt, SETTINGS.limits, now) is None
    requests.take(db, requests.for_change(db, request.id), channel_id, now)
    new = NewCall(
        channel_id, request.number, request.e164, caller,
        direction="outbound", ticket_id=request.ticket_id,
    )  # fmt: skip
    journal.begin(db, new, now)


def made(db: Connection, request_id: int) -> int:
    """How often it was dialled."""
    return len(attempts_of.of_request(db, request_id))
