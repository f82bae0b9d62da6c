"""作废: tickets that are no customer's matter, of which a supervisor looks at a sample."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from desk.errors import RoleNotAllowed, TransitionRefused
from desk.house import house_of
from desk.tickets.change import By, Present, held, step, write
from desk.tickets.handovers import withdraw_open
from desk.tickets.states import STATUSES, VOID_REASONS, Action, Need, Role
from desk.tickets.ticket import Ticket

CHECKERS = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ADMINISTRATOR})

_draw = secrets.SystemRandom().random  # who makes a ticket 作废 cannot know


def void(
    db: Connection,
    ticket_id: int,
    void_reason: str,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    sample: float | None = None,
    draw: Callable[[], float] = _draw,
) -> Ticket:
    """作废: no customer's matter (`VOID_REASONS`); `ticket.voided`. It counts as neither solved nor
    unsolved.

    Args:
        sample: the share, 0 to 1, that a supervisor is to look at; None: as the house has it.
        draw: a number from 0 up to 1; below `sample`, this one is looked at.

    Raises:
        NoSuchTicket, VersionConflict, TransitionRefused, RoleNotAllowed, TransitionIncomplete:
            see `steps`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    present: Present = {
        Need.VOID_REASON: void_reason in VOID_REASONS,
        Need.NEVER_REOPENED: ticket.cycle == 1,
    }
    share = house_of(db).void_sample if sample is None else sample
    wanted = "wanted" if draw() < share else ""
    changed = step(
        db,
        ticket,
        Action.VOID,
        now,
        by,
        present=present,
        values={"void_reason": void_reason, "void_check": wanted},
        body={"void_reason": void_reason, "check": wanted},
    )
    withdraw_open(db, changed, now, by)
    return changed


def pass_void(
    db: Connection, ticket_id: int, now: datetime, *, by: By, expected_version: int | None
) -> Ticket:
    """抽查通过: 作废 was right; `ticket.void_passed`. Where it was not, reopen the ticket.

    Raises:
        NoSuchTicket, VersionConflict, RoleNotAllowed: see `steps`.
        TransitionRefused: nobody asked for a look at it.
    """
    ticket = held(db, ticket_id, by, expected_version)
    if ticket.void_check != "wanted":
        word = STATUSES[ticket.status]
        raise TransitionRefused(ticket.number, "pass_void", ticket.status, word, ())
    if by.role not in CHECKERS:
        raise RoleNotAllowed(ticket.number, "pass_void", by.role, sorted(CHECKERS))
    return write(
        db, ticket, now, by, kind="ticket.void_passed", values={"void_check": "passed"},
        body={"void_reason": ticket.void_reason},
    )  # fmt: skip
