"""The lifecycle of a ticket as one table: from where to where, who may, what must be present,
and what it triggers. Pure: nothing here knows of a database or a clock.

A ticket begins as 受理 (accepted). It is solved only as 已关闭 (closed), which takes the customer's
own confirmation or a supervisor's override by name. 作废 (void) and 已合并 (merged) are ends that
count as neither solved nor unsolved; a merged ticket shares the fate of its survivor.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from desk.errors import RoleNotAllowed, TransitionIncomplete, TransitionRefused
from desk.tickets.states import (
    ALIVE,
    FIRST,
    OPEN,
    STATUSES,
    Action,
    Clock,
    Need,
    Role,
    Standing,
    Status,
    Target,
    Trigger,
)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    action: Action
    sources: frozenset[Status]
    to: Status | Target
    roles: frozenset[Role]
    needs: tuple[Need, ...] = ()
    triggers: tuple[Trigger, ...] = ()

    def end(self, status: Status, before: Status) -> Status:
        """The status after it, for a ticket in `status` that was in `before` when merged."""
        if self.to is Target.SAME:
            return status
        return before if self.to is Target.BEFORE else Status(self.to)


_ALL = frozenset(Role)
_STAFF = _ALL - {Role.SYSTEM}
_DESK = _ALL - {Role.TECHNICIAN}
_HEADS = frozenset({Role.LEAD, Role.SUPERVISOR, Role.ADMINISTRATOR})
_NOT_BEGUN = frozenset({Status.ACCEPTED, Status.ASSIGNED, Status.REOPENED})

TABLE: tuple[Transition, ...] = (
    Transition(
        Action.ASSIGN,
        _NOT_BEGUN | {Status.IN_PROGRESS},
        Status.ASSIGNED,
        _DESK,
        (Need.PLACE,),
        (Trigger.NOTIFY_ASSIGNEE,),
    ),
    Transition(  # the customer is still waited for, the case is still above its level
        Action.ASSIGN,
        frozenset({Status.WAITING_CUSTOMER, Status.ESCALATED}),
        Target.SAME,
        _DESK,
        (Need.PLACE,),
        (Trigger.NOTIFY_ASSIGNEE,),
    ),
    Transition(
        Action.START,
        _NOT_BEGUN | {Status.ESCALATED},
        Status.IN_PROGRESS,
        _STAFF,
        (Need.ASSIGNEE,),
    ),
    Transition(
        Action.START,
        frozenset({Status.WAITING_CUSTOMER}),
        Status.IN_PROGRESS,
        _ALL,  # the customer's answer arrives by itself
        (Need.ASSIGNEE,),
        (Trigger.RESUME_CLOCK,),
    ),
    Transition(
        Action.WAIT,
        frozenset({Status.IN_PROGRESS, Status.ESCALATED}),
        Status.WAITING_CUSTOMER,
        _STAFF,
        (Need.ASSIGNEE, Need.REASON),
        (Trigger.PAUSE_CLOCK,),
    ),
    Transition(
        Action.ESCALATE,
        OPEN - {Status.WAITING_CUSTOMER},  # escalated again: one step further up
        Status.ESCALATED,
        _ALL,
        (Need.REASON,),
        (Trigger.NOTIFY_ESCALATION,),
    ),
    Transition(
        Action.ESCALATE,
        frozenset({Status.WAITING_CUSTOMER}),
        Status.ESCALATED,
        _ALL,
        (Need.REASON,),
        (Trigger.RESUME_CLOCK, Trigger.NOTIFY_ESCALATION),
    ),
    Transition(
        Action.RESOLVE,
        frozenset({Status.IN_PROGRESS, Status.WAITING_CUSTOMER, Status.ESCALATED}),
        Status.RESOLVED,
        _STAFF,
        (Need.ASSIGNEE, Need.SOLUTION, Need.FIELDS),
        (Trigger.STOP_CLOCK, Trigger.TELL_CUSTOMER, Trigger.ASK_CONFIRMATION),
    ),
    Transition(
        Action.CONFIRM,
        frozenset({Status.RESOLVED}),
        Status.CLOSED,
        _ALL,
        (Need.CONFIRMATION,),
        (Trigger.SURVEY, Trigger.REVISIT),
    ),
    Transition(
        Action.OVERRIDE,
        frozenset({Status.RESOLVED}),
        Status.CLOSED,
        frozenset({Role.SUPERVISOR}),
        (Need.SUPERVISOR, Need.REASON),
        (Trigger.REVISIT,),
    ),
    Transition(
        Action.SOLVE_IN_CALL,
        OPEN,
        Status.CLOSED,
        _STAFF - {Role.TECHNICIAN},
        (Need.ASSIGNEE, Need.SOLUTION, Need.FIELDS, Need.CONFIRMATION),
        (Trigger.STOP_CLOCK, Trigger.SURVEY, Trigger.REVISIT),
    ),
    Transition(
        Action.REOPEN,
        frozenset({Status.RESOLVED, Status.CLOSED}),
        Status.REOPENED,
        _DESK,
        (Need.REASON,),
        (Trigger.RESUME_CLOCK, Trigger.NEW_CYCLE, Trigger.RAISE_PRIORITY),
    ),
    Transition(  # it was a customer after all
        Action.REOPEN,
        frozenset({Status.VOID}),
        Status.REOPENED,
        _HEADS,
        (Need.REASON,),
        (Trigger.RESUME_CLOCK, Trigger.NEW_CYCLE, Trigger.RAISE_PRIORITY),
    ),
    Transition(  # who was told of a solution or came back is a customer: no wrong number, no test
        Action.VOID,
        OPEN - {Status.REOPENED},
        Status.VOID,
        _DESK,
        (Need.VOID_REASON, Need.NEVER_REOPENED),
        (Trigger.STOP_CLOCK, Trigger.SAMPLE_CHECK),
    ),
    Transition(
        Action.MERGE,
        ALIVE,
        Status.MERGED,
        _DESK,
        (Need.SURVIVOR,),
        (Trigger.STOP_CLOCK, Trigger.FOLLOW_SURVIVOR),
    ),
    Transition(
        Action.UNMERGE,
        frozenset({Status.MERGED}),
        Target.BEFORE,
        _HEADS,
        (Need.REASON,),
        (Trigger.LEAVE_SURVIVOR,),
    ),
)


def transition(status: Status, action: Action) -> Transition | None:
    """The row for an action on a ticket in a status; there is one at most."""
    return next((row for row in TABLE if row.action is action and status in row.sources), None)


def leads_on(status: str) -> list[Action]:
    """The actions that the table knows from a status, whoever may take them."""
    return sorted({row.action for row in TABLE if status in row.sources})


def permit(
    number: str, status: Status, action: Action, role: Role, present: Collection[Need]
) -> Transition:
    """The row by which `role` may take `action`, with everything that it needs `present`.

    Raises:
        TransitionRefused: not from this status.
        RoleNotAllowed: others may, this role not.
        TransitionIncomplete: something is missing.
    """
    row = transition(status, action)
    if row is None:
        raise TransitionRefused(number, action, status, STATUSES[status], leads_on(status))
    if role not in row.roles:
        raise RoleNotAllowed(number, action, role, sorted(row.roles))
    missing = [need for need in row.needs if need not in present]
    if missing:
        raise TransitionIncomplete(number, action, [need.value for need in missing])
    return row


def standing(status: str) -> Standing:
    """How a ticket in this status counts. One that waits for confirmation is not solved yet."""
    if status == Status.CLOSED:
        return Standing.SOLVED
    return Standing.NONE if status in (Status.VOID, Status.MERGED) else Standing.UNSOLVED


def clock(status: str) -> Clock:
    """What a ticket's resolution clock does in a status; triggers only announce the change."""
    if status == Status.WAITING_CUSTOMER:
        return Clock.PAUSED
    return Clock.RUNS if status in OPEN else Clock.STOPPED


def replay(actions: Iterable[Action]) -> Iterator[Status]:
    """The statuses of a ticket's life, `accepted` first, from the actions that were taken.

    Raises:
        ValueError: no ticket can have had this life.
    """
    status = before = FIRST
    yield status
    for action in actions:
        row = transition(status, action)
        if row is None:
            raise ValueError(f"{action} is no way out of {status}; the history is not whole")
        if action is Action.MERGE:
            before = status
        status = row.end(status, before)
        yield status
