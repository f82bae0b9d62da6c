"""合并与拆分: two tickets of one matter become one, one ticket of two matters becomes two.

A merged ticket keeps its calls and its history, so that it can be parted again; it follows its
survivor, which alone is worked on, confirmed and counted.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from desk.errors import NotLinkable, NotSplittable, RoleNotAllowed
from desk.text import storable
from desk.tickets import links, notes
from desk.tickets.change import By, held, step
from desk.tickets.digest import gather
from desk.tickets.handovers import withdraw_open
from desk.tickets.of_call import call_for_change, link
from desk.tickets.opening import NewTicket, open_ticket
from desk.tickets.states import ALIVE, STATUSES, Action, Need, Role
from desk.tickets.ticket import Ticket, for_change
from desk.timeline import append

MOST_CALLS = 100
SPLITTERS = frozenset(Role) - {Role.TECHNICIAN}


def merge(
    db: Connection, ticket_id: int, survivor_id: int, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """合并: let a ticket go on as another one, which must not have ended; `ticket.merged`, and
    `ticket.absorbed` at the survivor, whose version stays. Returns the merged ticket.

    Raises:
        NotLinkable: the survivor has ended, or is the ticket itself.
        NoSuchTicket, VersionConflict, TransitionRefused, RoleNotAllowed: see `steps`.
    """
    if survivor_id == ticket_id:
        raise NotLinkable("a ticket cannot be merged into itself; name the one that goes on")
    for each in sorted((ticket_id, survivor_id)):  # always in this order: no two wait in a ring
        for_change(db, each)
    ticket, survivor = held(db, ticket_id, by, expected_version), for_change(db, survivor_id)
    if survivor.status not in ALIVE:
        raise NotLinkable(
            f"ticket {survivor.number} is {survivor.status} ({STATUSES[survivor.status]}) and "
            "cannot take another one in; reopen it, or choose the one that goes on"
        )
    changed = step(
        db,
        ticket,
        Action.MERGE,
        now,
        by,
        present={Need.SURVIVOR: survivor},
        values={"survivor_id": survivor_id, "status_before": ticket.status},
        body={"survivor": survivor.number},
    )
    withdraw_open(db, changed, now, by)
    _tell(db, survivor, "ticket.absorbed", ticket, now, by)
    return changed


def unmerge(
    db: Connection, ticket_id: int, reason: str, now: datetime, *, by: By,
    expected_version: int | None,
) -> Ticket:  # fmt: skip
    """拆回: a merged ticket stands for itself again, as before; `ticket.unmerged`, and
    `ticket.released` at the survivor. What happened to the survivor meanwhile stays there.

    Raises:
        NoSuchTicket, VersionConflict, TransitionRefused, RoleNotAllowed, TransitionIncomplete:
            see `steps`.
    """
    ticket = held(db, ticket_id, by, expected_version)
    reason = storable(reason.strip(), 1000)
    survivor = for_change(db, ticket.survivor_id) if ticket.survivor_id is not None else None
    changed = step(
        db,
        ticket,
        Action.UNMERGE,
        now,
        by,
        present={Need.REASON: reason},
        values={"survivor_id": None, "status_before": ""},
        body={"survivor": survivor.number if survivor else "", "reason": reason},
    )
    if survivor is not None:
        _tell(db, survivor, "ticket.released", ticket, now, by)
    return changed


def split(
    db: Connection,
    ticket_id: int,
    new: NewTicket,
    now: datetime,
    *,
    by: By,
    expected_version: int | None,
    call_ids: Sequence[str] = (),
    note_ids: Sequence[int] = (),
) -> tuple[Ticket, Ticket]:
    """拆分: a second matter of the same customer gets a ticket of its own; `ticket.split`.

    Args:
        new: its type, subject, description and labels; caller and customer are the first one's.
        call_ids: calls that were about the second matter; they belong to its ticket from now on.
        note_ids: notes about it; the new ticket gets copies of them.

    Returns the first ticket and the new one.

    Raises:
        NotSplittable: it has ended, a call is not one that can go, or a note is not its own.
        NoSuchTicket, NoSuchCall, VersionConflict, RoleNotAllowed: see `steps`.
    """
    moving = [call_for_change(db, call_id) for call_id in sorted(set(call_ids))[:MOST_CALLS]]
    ticket = held(db, ticket_id, by, expected_version)
    if by.role not in SPLITTERS:
        raise RoleNotAllowed(ticket.number, "split", by.role, sorted(SPLITTERS))
    why = ""
    if ticket.status not in ALIVE:
        why = f"it is {ticket.status} ({STATUSES[ticket.status]})"
    for call in moving:
        if call.ticket_id != ticket_id:
            why = f"call {call.id!r} does not belong to it"
        elif call.id == ticket.call_id:
            why = f"call {call.id!r} opened it and stays"
    foreign = notes.missing(db, ticket_id, note_ids)
    if foreign:
        why = f"it has no notes {', '.join(map(str, foreign))}"
    if why:
        raise NotSplittable(f"ticket {ticket.number} cannot be split like this: {why}")
    customer_ids = (
        (ticket.customer_id,) if ticket.customer_id is not None else ticket.candidate_customer_ids
    )
    made = open_ticket(
        db,
        NewTicket(
            new.type, new.subject, new.description,
            caller=ticket.caller, customer_ids=customer_ids, labels=new.labels,
        ),
        now,
        actor=by.actor,
    )  # fmt: skip
    for call in moving:
        link(db, call.id, made.id)
    links.add(db, made.id, ticket_id, links.Kind.SPLIT_FROM, now, by=by)
    copied = notes.copy(db, note_ids, ticket_id, made.id, now, by=by)
    body = {
        "number": ticket.number,
        "other": made.number,
        "calls": [call.id for call in moving],
        "notes": copied,
    }
    append(
        db,
        kind="ticket.split",
        body=body,
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )
    if any(call.digest for call in moving):
        ticket, made = gather(db, ticket, now), gather(db, made, now)
    return ticket, made


def _tell(
    db: Connection, survivor: Ticket, kind: str, ticket: Ticket, now: datetime, by: By
) -> None:
    append(
        db,
        kind=kind,
        body={"number": survivor.number, "other": ticket.number, "subject": ticket.subject},
        now=now,
        ticket_id=survivor.id,
        customer_id=survivor.customer_id,
        actor=by.actor,
    )
