"""The steps that end a cycle of a ticket, and the one that begins another.

Only `confirm`, `override` and `solve_in_call` close. Each takes the ticket's id, the moment, who
acts (`by`) and the version that was seen (`expected_version`), and returns the ticket as it is
afterwards. Each may raise NoSuchTicket, VersionConflict, TransitionRefused, RoleNotAllowed or
TransitionIncomplete; then nothing changed.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from desk.tickets import confirmations
from desk.tickets.change import (
    MOST_ASSIGNEE,
    MOST_REASON,
    MOST_SOLUTION,
    By,
    Lacking,
    Present,
    check,
    held,
    in_charge,
    step,
    trimmed,
)
from desk.tickets.confirmations import Answer, Given
from desk.tickets.fields import unfilled
from desk.tickets.handovers import withdraw_open
from desk.tickets.states import Action, Need
from desk.tickets.ticket import Ticket

REOPENED = 20  # points of priority that a case gains each time it comes back
MOST_PRIORITY = 100
AFTER_CALL = timedelta(hours=2)
"""So long after a call it may still be written down that the matter was solved in it; later, the
customer is asked again.
"""


def resolve(
    db: Connection, ticket_id: int, solution: str, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """解决: solved, as its handler sees it; the customer is asked next; `ticket.resolved`."""
    ticket = held(db, ticket_id, by, expected_version)
    solution = trimmed(solution, MOST_SOLUTION)
    changed = step(
        db,
        ticket,
        Action.RESOLVE,
        now,
        by,
        present={
            Need.ASSIGNEE: ticket.assignee,
            Need.SOLUTION: solution,
            Need.FIELDS: Lacking(unfilled(db, ticket)),
        },
        values={"solution": solution, "resolved_at": now},
        body={"solution": solution},
    )
    withdraw_open(db, changed, now, by)
    return changed


def confirm(
    db: Connection, ticket_id: int, given: Given, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """确认关闭: the customer says that it is solved; `ticket.confirmed`.

    Raises:
        ConfirmationRefused: what is given is no confirmation; see `confirmations`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    present: Present = {Need.CONFIRMATION: given}
    check(ticket, Action.CONFIRM, by, present)
    confirmation_id = confirmations.accept(db, ticket, given, Answer.SOLVED, now, by)
    return step(
        db,
        ticket,
        Action.CONFIRM,
        now,
        by,
        present=present,
        values={"closed_at": now, "confirmation_id": confirmation_id},
        body=_told(confirmation_id, given),
        call_id=given.call_id,
    )


def override(
    db: Connection, ticket_id: int, supervisor: str, reason: str, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """主管关闭: a supervisor, by name and for a reason, closes what the customer does not answer;
    `ticket.overridden`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    supervisor, reason = trimmed(supervisor, MOST_ASSIGNEE), trimmed(reason, MOST_REASON)
    present: Present = {Need.SUPERVISOR: supervisor, Need.REASON: reason}
    check(ticket, Action.OVERRIDE, by, present)
    confirmation_id = confirmations.override(db, ticket, supervisor, reason, now, by)
    return step(
        db,
        ticket,
        Action.OVERRIDE,
        now,
        by,
        present=present,
        values={"closed_at": now, "confirmation_id": confirmation_id},
        body={"confirmation_id": confirmation_id, "supervisor": supervisor, "reason": reason},
    )


def solve_in_call(
    db: Connection, ticket_id: int, solution: str, given: Given, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """当场解决: solved while the customer was on the line, who says so there;
    `ticket.solved_in_call`.

    Raises:
        ConfirmationRefused: what is given is no confirmation; see `confirmations`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    solution, assignee = trimmed(solution, MOST_SOLUTION), in_charge(ticket, by)
    present: Present = {
        Need.SOLUTION: solution,
        Need.FIELDS: Lacking(unfilled(db, ticket)),
        Need.ASSIGNEE: assignee,
        Need.CONFIRMATION: given,
    }
    check(ticket, Action.SOLVE_IN_CALL, by, present)
    confirmation_id = confirmations.accept(
        db, ticket, given, Answer.SOLVED, now, by, solved_at=now - AFTER_CALL
    )
    changed = step(
        db,
        ticket,
        Action.SOLVE_IN_CALL,
        now,
        by,
        present=present,
        values={
            "solution": solution,
            "assignee": assignee,
            "resolved_at": now,
            "closed_at": now,
            "confirmation_id": confirmation_id,
        },
        body={"solution": solution, "assignee": assignee, **_told(confirmation_id, given)},
        call_id=given.call_id,
    )
    withdraw_open(db, changed, now, by)
    return changed


def reopen(
    db: Connection,
    ticket_id: int,
    reason: str,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    given: Given | None = None,
) -> Ticket:
    """重新打开: it is not solved, or was no wrong number; a new cycle begins; `ticket.reopened`.

    Args:
        given: the customer's own no, where it can be heard or read again.

    Raises:
        ConfirmationRefused: `given` is no customer's answer; see `confirmations`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    reason = trimmed(reason, MOST_REASON)
    present: Present = {Need.REASON: reason}
    check(ticket, Action.REOPEN, by, present)
    priority = max(ticket.priority, min(ticket.priority + REOPENED, MOST_PRIORITY))
    body: dict[str, Any] = {"reason": reason, "priority": priority}
    if given is not None:
        body |= _told(confirmations.accept(db, ticket, given, Answer.NOT_SOLVED, now, by), given)
    return step(
        db,
        ticket,
        Action.REOPEN,
        now,
        by,
        present=present,
        values={
            "solution": "",
            "priority": priority,
            "resolved_at": None,
            "closed_at": None,
            "confirmation_id": None,
            "void_reason": "",
            "void_check": "",
        },
        body=body,
        call_id=given.call_id if given is not None else None,
    )


def _told(confirmation_id: int, given: Given) -> dict[str, Any]:
    return {
        "confirmation_id": confirmation_id,
        "source": given.source.value,
        "identity": given.identity.value,
        "recording_id": given.recording_id,
    }
