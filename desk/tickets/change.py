"""A step of the lifecycle in the database: one transaction writes row, timeline and outbox."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from desk.callers import canonical_list
from desk.db.schema import tickets
from desk.errors import TransitionIncomplete, VersionConflict
from desk.text import canonical, storable
from desk.tickets.lifecycle import Transition, permit
from desk.tickets.states import Action, Need, Role, Status, Trigger
from desk.tickets.ticket import Ticket, for_change
from desk.timeline import append

KINDS: Mapping[Action, str] = {
    Action.ASSIGN: "ticket.assigned",
    Action.START: "ticket.started",
    Action.WAIT: "ticket.waiting",
    Action.ESCALATE: "ticket.escalated",
    Action.RESOLVE: "ticket.resolved",
    Action.CONFIRM: "ticket.confirmed",
    Action.OVERRIDE: "ticket.overridden",
    Action.SOLVE_IN_CALL: "ticket.solved_in_call",
    Action.REOPEN: "ticket.reopened",
    Action.VOID: "ticket.voided",
    Action.MERGE: "ticket.merged",
    Action.UNMERGE: "ticket.unmerged",
}
"""The kind of the timeline entry of each action."""


MOST_TEAM = 60
MOST_ASSIGNEE = 100
MOST_REASON = 1000
MOST_SOLUTION = 20_000

Present = Mapping[Need, object]  # what a step needs, and whether it is there (is true)


@dataclass(frozen=True, slots=True)
class Lacking:
    """Stands in `Present` for a need of several parts: true when none is lacking."""

    parts: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.parts


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and as what: `By("agent:8001", Role.AGENT)`.

    Attributes:
        program: it is a program with a token of its own; what it writes is no person's word.
    """

    actor: str
    role: Role
    program: bool = False


SYSTEM = By("system", Role.SYSTEM)


def held(db: Connection, ticket_id: int, by: By, expected_version: int | None) -> Ticket:
    """The ticket, which nobody else changes until this unit is over, as its writer has seen it.

    Args:
        expected_version: None only for the system, which decides by the status alone.

    Raises:
        NoSuchTicket: there is none.
        VersionConflict: it has changed since; carries both versions.
        ValueError: a person's change without a version.
    """
    if expected_version is None and by.role is not Role.SYSTEM:
        raise ValueError("pass the version that was seen; only the system may do without")
    ticket = for_change(db, ticket_id)
    if expected_version is not None and expected_version != ticket.version:
        raise VersionConflict(f"ticket {ticket.number}", ticket.version, expected_version)
    return ticket


def check(ticket: Ticket, action: Action, by: By, present: Present) -> Transition:
    """The table's row by which a step is permitted; for those that write before they step.

    Raises:
        TransitionRefused, RoleNotAllowed, TransitionIncomplete: see `lifecycle.permit`.
    """
    there = {need for need, value in present.items() if value}
    try:
        return permit(ticket.number, Status(ticket.status), action, by.role, there)
    except TransitionIncomplete as error:
        missing = [part for need in error.missing for part in _parts(need, present)]
        raise TransitionIncomplete(ticket.number, action, missing) from error


def _parts(need: str, present: Present) -> Iterator[str]:
    """What is lacking, by name where a need has several parts."""
    found = present.get(Need(need))
    if isinstance(found, Lacking):
        yield from (f"{need}: {part}" for part in found.parts)
    else:
        yield need


def step(
    db: Connection,
    ticket: Ticket,
    action: Action,
    now: datetime,
    by: By,
    *,
    present: Present,
    values: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    call_id: str | None = None,
) -> Ticket:
    """Take one step with a ticket that is `held`, if the table permits it.

    Args:
        values: columns that the step sets besides the status.
        body: what the timeline entry says besides status, cycle, version and triggers.
        call_id: the call in which it happened.

    Raises:
        TransitionRefused, RoleNotAllowed, TransitionIncomplete: see `lifecycle.permit`.
    """
    row = check(ticket, action, by, present)
    end = row.end(Status(ticket.status), Status(ticket.status_before or ticket.status))
    cycle = ticket.cycle + 1 if Trigger.NEW_CYCLE in row.triggers else ticket.cycle
    return write(
        db,
        ticket,
        now,
        by,
        kind=KINDS[action],
        values={**(values or {}), "status": end.value, "cycle": cycle},
        body={
            "from": ticket.status,
            "status": end.value,
            "cycle": cycle,
            "triggers": [trigger.value for trigger in row.triggers],
            **(body or {}),
        },
        call_id=call_id,
    )


def write(
    db: Connection,
    ticket: Ticket,
    now: datetime,
    by: By,
    *,
    kind: str,
    values: Mapping[str, Any],
    body: Mapping[str, Any],
    call_id: str | None = None,
) -> Ticket:
    """Set columns (tuples are lists there, mappings objects) of a ticket that is `held`, raise its
    version, and tell the timeline.
    """
    changed = replace(ticket, **values, updated_at=now, version=ticket.version + 1)
    columns = {name: _column(value) for name, value in values.items()}
    db.execute(
        update(tickets)
        .where(tickets.c.id == ticket.id)
        .values(**columns, updated_at=now, version=changed.version)
    )
    append(
        db,
        kind=kind,
        body={"number": ticket.number, "version": changed.version, **body},
        now=now,
        call_id=call_id,
        ticket_id=ticket.id,
        customer_id=changed.customer_id,
        actor=by.actor,
    )
    return changed


def _column(value: Any) -> Any:
    if isinstance(value, tuple):
        return canonical_list(value)
    return canonical(value) if isinstance(value, Mapping) else value


def in_charge(ticket: Ticket, by: By) -> str:
    """The assignee or, where there is none, the person who acts."""
    if ticket.assignee or by.role is Role.SYSTEM:
        return ticket.assignee
    return trimmed(by.actor, MOST_ASSIGNEE)


def trimmed(text: str, most: int) -> str:
    """Somebody's words as they are stored; `""` where there are none."""
    return storable(text.strip(), most)
