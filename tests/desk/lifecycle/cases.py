"""A case that goes through its life, for tests of the lifecycle."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from desk import journal, talks, tickets
from desk.journal import NewCall
from desk.talks import NewTalk
from desk.tickets import By, Given, Identity, Role, Source, Ticket, closing, steps
from tests.rig.samples import NOW, TIANJIN, call_with_ticket

AGENT = By("agent:8001", Role.AGENT)
OTHER = By("agent:8002", Role.AGENT)
TECHNICIAN = By("技师小李", Role.TECHNICIAN)
LEAD = By("组长", Role.LEAD)
SUPERVISOR = By("王主管", Role.SUPERVISOR)
SYSTEM = By("system", Role.SYSTEM)
LATER = NOW + timedelta(hours=1)
EVENING = datetime(2026, 11, 22, 12, tzinfo=UTC)


def spoken(db: Connection, call_id: str, ticket_id: int | None = None) -> None:
    """A call in which an agent speaks; it joins the ticket if told."""
    if journal.get(db, call_id) is None:
        journal.begin(db, NewCall(call_id, "4001234567", TIANJIN.input, TIANJIN), NOW)
    talks.begin(db, NewTalk(f"leg-{call_id}", call_id, "8001", NOW))
    if ticket_id is not None:
        tickets.join(db, call_id, ticket_id, NOW)


def opened(db: Connection, call_id: str = "c1") -> Ticket:
    ticket = call_with_ticket(db, call_id)
    spoken(db, call_id)
    return ticket


def begun(db: Connection, call_id: str = "c1", by: By = AGENT) -> Ticket:
    ticket = opened(db, call_id)
    return steps.start(db, ticket.id, NOW, by=by, expected_version=1)


def resolved(db: Connection, call_id: str = "c1") -> Ticket:
    ticket = begun(db, call_id)
    return closing.resolve(
        db, ticket.id, "换了压缩机", LATER, by=AGENT, expected_version=ticket.version
    )


def closed(db: Connection, call_id: str = "c1") -> Ticket:
    ticket = resolved(db, call_id)
    return closing.confirm(
        db, ticket.id, talk(call_id), LATER, by=AGENT, expected_version=ticket.version
    )


def talk(call_id: str = "c1") -> Given:
    return Given(Source.TALK, Identity.ASKED, call_id=call_id)


def key(call_id: str = "c1") -> Given:
    return Given(Source.KEY, Identity.PRESSED, call_id=call_id)
