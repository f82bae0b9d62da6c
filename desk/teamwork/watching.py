"""关注: who wants to hear what happens to a ticket. Watchers are no part of a ticket's row."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, func, select

from desk.db.insert import insert_unless_there
from desk.db.schema.teamwork import watchers
from desk.db.types import moment
from desk.errors import Refused
from desk.notices import NewNotice, address, notify
from desk.numbering import ticket_number
from desk.text import storable
from desk.tickets.change import By
from desk.tickets.ticket import for_change
from desk.timeline import append

MOST = 50
WATCHED, UNWATCHED = "watcher.added", "watcher.removed"
_INSERT = insert_unless_there(watchers, ("ticket_id", "watcher", "cause", "actor", "at"))


class Cause(StrEnum):
    """Why somebody watches."""

    HAND = "hand"  # the watcher or a colleague said so
    RULE = "rule"
    MENTION = "mention"


class TooManyWatchers(Refused):
    """A ticket has as many watchers as it may have."""

    error_id = "too-many-watchers"

    def __init__(self, number: str) -> None:
        super().__init__(f"ticket {number} has {MOST} watchers; remove one, or mention a team")
        self.number = number


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who watches; `actor` is who made it so."""

    watcher: str
    cause: Cause
    actor: str
    at: datetime


def watch(
    db: Connection, ticket_id: int, watcher: str, now: datetime, *, by: By,
    cause: Cause = Cause.HAND,
) -> bool:  # fmt: skip
    """Let somebody hear what happens to a ticket; `watcher.added`, and a notice to whoever did not
    do it himself. Again: nothing. Returns whether it is new.

    Raises:
        NoSuchTicket: there is none with this id.
        BadAddress: nobody can be reached so.
        TooManyWatchers: 50 watch already.
    """
    ticket = for_change(db, ticket_id)
    watcher = address(watcher)
    there = select(func.count()).select_from(watchers).where(watchers.c.ticket_id == ticket_id)
    row = {
        "ticket_id": ticket_id,
        "watcher": watcher,
        "cause": cause.value,
        "actor": storable(by.actor, 200),
        "at": now,
    }
    if _INSERT.execute(db, row).rowcount != 1:
        return False
    if db.execute(there).scalar_one() > MOST:
        raise TooManyWatchers(ticket.number)
    body = {"number": ticket.number, "watcher": watcher, "cause": cause.value}
    entry = append(
        db,
        kind=WATCHED,
        body=body,
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )
    if cause is not Cause.MENTION and watcher != by.actor:
        text = f"您开始关注工单 {ticket.number} · you watch ticket {ticket.number} now"
        about = NewNotice(watcher, "watching", text, f"entry:{entry.seq}", ticket_id, by.actor)
        notify(db, about, now)
    return True


def unwatch(db: Connection, ticket_id: int, watcher: str, now: datetime, *, by: By) -> bool:
    """Let somebody hear no more of a ticket; `watcher.removed`. Who does not watch: nothing.

    Raises:
        NoSuchTicket: there is none with this id.
    """
    ticket = for_change(db, ticket_id)
    gone = db.execute(
        delete(watchers).where(
            watchers.c.ticket_id == ticket_id, watchers.c.watcher == watcher.strip()
        )
    )
    if not gone.rowcount:
        return False
    append(
        db,
        kind=UNWATCHED,
        body={"number": ticket.number, "watcher": watcher.strip()},
        now=now,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=by.actor,
    )
    return True


def of_ticket(db: Connection, ticket_id: int) -> list[Watcher]:
    """Who watches a ticket, the first one first."""
    query = (
        select(watchers)
        .where(watchers.c.ticket_id == ticket_id)
        .order_by(watchers.c.at, watchers.c.watcher)
    )
    return [
        Watcher(row.watcher, Cause(row.cause), row.actor, moment(row.at))
        for row in db.execute(query)
    ]


def watched_by(db: Connection, addresses: tuple[str, ...], limit: int = 200) -> list[str]:
    """The numbers of the tickets that somebody with these addresses watches, newest first."""
    query = (
        select(watchers.c.ticket_id)
        .where(watchers.c.watcher.in_(addresses))
        .distinct()
        .order_by(watchers.c.ticket_id.desc())
        .limit(min(limit, 200))
    )
    return [ticket_number(ticket_id) for ticket_id in db.execute(query).scalars()]


def follow_survivor(
    db: Connection, ticket_id: int, survivor_id: int, now: datetime, *, by: By
) -> None:
    """Who watched a merged ticket watches its survivor, as far as there is room."""
    there = {each.watcher for each in of_ticket(db, survivor_id)}
    for each in of_ticket(db, ticket_id):
        if each.watcher not in there and len(there) < MOST:
            watch(db, survivor_id, each.watcher, now, by=by, cause=Cause.RULE)
            there.add(each.watcher)
