"""Levels and priorities of tickets: setting them, and what follows from a graver level."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from desk.db.schema import timeline
from desk.errors import RoleNotAllowed
from desk.notices import NewNotice, notify
from desk.routing.decide import Book
from desk.routing.editions import in_force
from desk.routing.ruleset import LEVELS, LevelFlow
from desk.sla.reading import MACHINES
from desk.teamwork.watching import Cause, TooManyWatchers, watch
from desk.tickets import steps
from desk.tickets.change import MOST_REASON, SYSTEM, By, held, trimmed, write
from desk.tickets.closing import MOST_PRIORITY
from desk.tickets.states import ALIVE, OPEN, Role, Status
from desk.tickets.ticket import Ticket, get

RULES = By("rule:routing", Role.SYSTEM)
"""As routing acts."""
LEVELLED = "ticket.levelled"
PRIORITISED = "ticket.prioritised"
HEADS = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ADMINISTRATOR})


def set_level(
    db: Connection,
    ticket_id: int,
    level: int,
    now: datetime,
    *,
    reason: str,
    by: By = SYSTEM,
    expected_version: int | None = None,
) -> Ticket:
    """Set a ticket's level; `ticket.levelled`. A graver one brings what it means: priority,
    escalation, notices and watchers. The same again changes nothing.

    A person makes a level less grave only as a lead or above; what machines ask for is only ever
    made graver.

    Raises:
        ValueError: there is no such level, or a person gives no reason.
        RoleNotAllowed: less grave, and not for this role.
        NoSuchTicket, VersionConflict: see `change.held`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    reason = trimmed(reason, MOST_REASON)
    if level not in LEVELS:
        raise ValueError(f"{level} is no level; 1, the gravest, to 4")
    if not reason and by.role is not Role.SYSTEM:
        raise ValueError("say why the level is changed")
    if level == ticket.level:
        return ticket
    if is_less_grave(level, ticket.level):
        if by.role is Role.SYSTEM:
            return ticket
        if by.role not in HEADS:
            raise RoleNotAllowed(ticket.number, "level", by.role, sorted(HEADS))
    book = in_force(db)
    priority = raised(book, ticket, level)
    changed = write(
        db,
        ticket,
        now,
        by,
        kind=LEVELLED,
        values={"level": level, "priority": priority},
        body={
            "before": ticket.level,
            "level": level,
            "priority": priority,
            "reason": reason,
        },
    )
    if not is_less_grave(level, ticket.level):
        changed = enter(db, changed, book, now)
    return changed


def set_priority(
    db: Connection,
    ticket_id: int,
    priority: int,
    now: datetime,
    *,
    reason: str,
    by: By = SYSTEM,
    expected_version: int | None = None,
) -> Ticket:
    """Set a ticket's priority, 0 to 100; `ticket.prioritised`. The same again changes nothing.

    Raises:
        ValueError: there is no such priority.
        NoSuchTicket, VersionConflict: see `change.held`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    if not 0 <= priority <= MOST_PRIORITY:
        raise ValueError(f"{priority} is no priority; 0 to {MOST_PRIORITY}")
    if priority == ticket.priority:
        return ticket
    body = {
        "before": ticket.priority,
        "priority": priority,
        "reason": trimmed(reason, MOST_REASON),
    }
    return write(db, ticket, now, by, kind=PRIORITISED, values={"priority": priority}, body=body)


def is_less_grave(level: int, before: int) -> bool:
    """Whether a level is less grave than another; 0, not set, is the least."""
    return (level or 5) > (before or 5)


def raised(book: Book | None, ticket: Ticket, level: int) -> int:
    """The priority of a ticket that gets a level: never lower than it was."""
    flow = book.flow(level) if book is not None else None
    return max(ticket.priority, flow.priority if flow is not None else 0)


def enter(db: Connection, ticket: Ticket, book: Book | None, now: datetime) -> Ticket:
    """What follows when a ticket, which is held, has got a graver level. Who is told is told once
    per ticket, cycle and level; a ticket that has ended follows no flow, and one that is resolved
    is not escalated.
    """
    flow = book.flow(ticket.level) if book is not None else None
    if flow is None or ticket.status not in ALIVE:
        return ticket
    if flow.escalate and ticket.status in OPEN and ticket.status != Status.ESCALATED:
        reason = f"级别 {ticket.level}({flow.name})"
        ticket = steps.escalate(db, ticket.id, reason, now, by=RULES, expected_version=None)
    add_watchers(db, ticket, flow.watchers, now)
    _tell(db, ticket, flow, now)
    return get(db, ticket.id) or ticket


def add_watchers(
    db: Connection, ticket: Ticket, watchers: list[str] | tuple[str, ...], now: datetime
) -> None:
    """Let addresses of a rule or a level watch a ticket. One that is full takes no more."""
    for each in watchers:
        try:
            watch(db, ticket.id, filled(each, ticket), now, by=RULES, cause=Cause.RULE)
        except TooManyWatchers:
            return


def filled(address: str, ticket: Ticket) -> str:
    """An address with the ticket's team in it; without a team, of all teams."""
    if ticket.team:
        return address.replace("{team}", ticket.team)
    return address.replace("@{team}", "").replace("team:{team}", "role:supervisor")


def _tell(db: Connection, ticket: Ticket, flow: LevelFlow, now: datetime) -> None:
    text = f"工单 {ticket.number} 为 {ticket.level} 级({flow.name}):{ticket.subject}"
    for each in flow.notify:
        to = filled(each, ticket)
        key = f"level:{ticket.id}:{ticket.cycle}:{ticket.level}"
        notify(db, NewNotice(to, "level", text, key, ticket.id, RULES.actor), now)


def pinned_at(db: Connection, ticket_id: int) -> int:
    """The `seq` at which a person set the level last; 0: nobody has."""
    query = (
        select(timeline.c.seq)
        .where(
            timeline.c.ticket_id == ticket_id,
            timeline.c.kind == LEVELLED,
            ~or_(*(timeline.c.actor.startswith(each) for each in MACHINES)),
        )
        .order_by(timeline.c.seq.desc())
        .limit(1)
    )
    found: Any = db.execute(query).scalar()
    return int(found or 0)
