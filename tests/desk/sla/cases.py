"""Tickets whose histories tests write, as the desk writes them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from desk import talks, tickets
from desk.tickets import (
    By,
    NewTicket,
    Role,
    closing,
    handovers,
    merging,
    steps,
    voiding,
)
from tests.rig.samples import call_with_ticket

SUPERVISOR = By("agent:8001", Role.SUPERVISOR)


def open_case(db: Connection, call_id: str, now: datetime) -> int:
    """A call that left a ticket; nobody has answered it."""
    return call_with_ticket(db, call_id, now=now).id


def seen(db: Connection, ticket_id: int) -> dict[str, Any]:
    """Who acts, and the version that was seen."""
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    return {"by": SUPERVISOR, "expected_version": ticket.version}


def go(db: Connection, ticket_id: int, now: datetime, status: str) -> None:
    """Bring a ticket into a status, by way of `in_progress` where there is no straight way.

    Raises:
        DeskError: there is none at all.
    """
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    by_way = ("waiting_customer", "resolved")
    if status in by_way and ticket.status in ("accepted", "assigned", "reopened"):
        steps.start(db, ticket_id, now, **seen(db, ticket_id))
    if status == "closed" and ticket.status != "resolved":
        go(db, ticket_id, now, "resolved")
    with_version = seen(db, ticket_id)
    match status:
        case "assigned":
            steps.assign(db, ticket_id, now, assignee="8002", **with_version)
        case "in_progress":
            steps.start(db, ticket_id, now, **with_version)
        case "waiting_customer":
            steps.wait(db, ticket_id, "等照片", now, **with_version)
        case "escalated":
            steps.escalate(db, ticket_id, "难", now, **with_version)
        case "resolved":
            closing.resolve(db, ticket_id, "换了主板", now, **with_version)
        case "closed":
            closing.override(db, ticket_id, "李主管", "联系不上", now, **with_version)
        case "reopened":
            closing.reopen(db, ticket_id, "又坏了", now, **with_version)
        case "void":
            voiding.void(db, ticket_id, "test", now, **with_version)
        case "merged":
            survivor = tickets.open_ticket(db, NewTicket("complaint", "同一件事"), now)
            merging.merge(db, ticket_id, survivor.id, now, **with_version)


def give(db: Connection, ticket_id: int, now: datetime, team: str) -> None:
    """Put a team in charge."""
    steps.assign(db, ticket_id, now, team=team, **seen(db, ticket_id))


def hand_over(db: Connection, ticket_id: int, now: datetime, how: str) -> None:
    """Ask the other team, or let it take or refuse."""
    match how:
        case "ask":
            ticket = tickets.get(db, ticket_id)
            other = "night" if ticket is not None and ticket.team != "night" else "tianjin"
            handovers.ask(db, ticket_id, other, "归他们管", now, **seen(db, ticket_id))
        case "take":
            handovers.take(db, ticket_id, now, **seen(db, ticket_id))
        case "refuse":
            handovers.refuse(db, ticket_id, "不归我们", now, **seen(db, ticket_id))


def talk(db: Connection, call_id: str, now: datetime) -> None:
    """An agent speaks with the caller of a call that is in the journal."""
    talks.begin(db, talks.NewTalk(f"leg-{call_id}-{now.isoformat()}", call_id, "8001", now))
