"""Keeping what is stored of clocks abreast of the timeline, and of a change of policies."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from desk.chores.followers import BLOCK, next_of
from desk.db.prepared import Prepared
from desk.db.schema import sla_cursor, tickets, timeline
from desk.sla import editions
from desk.sla.history import FINAL
from desk.sla.projection import refresh, stored_clocks

_FOLLOWED = Prepared(select(sla_cursor.c.seq))
_NEW = Prepared(
    select(timeline.c.seq, timeline.c.kind, timeline.c.ticket_id, timeline.c.customer_id)
    .where(timeline.c.seq > bindparam("after"))
    .order_by(timeline.c.seq)
    .limit(bindparam("most"))
)
_MOVE = Prepared(update(sla_cursor).values(seq=bindparam("new_seq")))
_OPEN_OF_CUSTOMER = (
    select(tickets.c.id)
    .where(tickets.c.customer_id == bindparam("of_customer"), tickets.c.status.not_in(FINAL))
    .order_by(tickets.c.id)
)
_OPEN = (
    select(tickets.c.id)
    .where(
        tickets.c.id > bindparam("after"),
        tickets.c.id <= bindparam("until"),
        tickets.c.status.not_in(FINAL),
    )
    .order_by(tickets.c.id)
    .limit(bindparam("most"))
)
_OF_TICKETS = ("ticket.", "handover.", "note.", "message.sent", "agent.answered")
_OF_CUSTOMERS = "customer.updated"
_MATTERS = (*_OF_TICKETS, _OF_CUSTOMERS)


def behind(db: Connection) -> datetime | None:
    """When the first entry was written that matters and was not followed; None: there is none."""
    followed: int = _FOLLOWED.execute(db, {}).fetchone()[0]
    return next_of(db, followed, _MATTERS)


def follow(db: Connection, limit: int = 100) -> int:
    """Reckon anew the tickets that the next entries of the timeline are about, about `limit` of
    them. Returns how many entries were followed; 0: none that matters is new, or another process
    is at it.
    """
    seq = editions.lock_if_free(db)
    if seq is None:
        return 0
    rows = _NEW.execute(db, {"after": seq, "most": BLOCK}).fetchall()
    touched: set[int] = set()
    done, matters = 0, False
    for _, kind, ticket_id, customer_id in rows:
        if len(touched) >= limit:
            break
        done += 1
        matters = matters or kind.startswith(_MATTERS)
        if ticket_id is not None and kind.startswith(_OF_TICKETS):
            touched.add(ticket_id)
        elif kind == _OF_CUSTOMERS and customer_id is not None:
            touched.update(db.execute(_OPEN_OF_CUSTOMER, {"of_customer": customer_id}).scalars())
    if not matters and done < BLOCK:
        return 0  # not worth a write
    _refresh(db, touched)
    _MOVE.execute(db, {"new_seq": rows[done - 1][0]})
    return done


def recompute(db: Connection, limit: int = 100) -> bool:
    """Reckon anew the next open tickets after a change of policies. False: all are done."""
    editions.lock(db)
    task = editions.recomputing(db)
    if task is None:
        return False
    values = {"after": task.done, "until": task.until, "most": limit}
    ids = list(db.execute(_OPEN, values).scalars())
    _refresh(db, ids)
    done = ids[-1] if len(ids) == limit else task.until
    editions.recomputed(db, task.edition, done)
    return done < task.until


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One part of a rebuilding. `last`: the ticket to go on after; None: there is no more."""

    looked_at: int
    differed: tuple[int, ...]
    last: int | None


def rebuild(db: Connection, after: int = 0, limit: int = 20) -> Rebuilt:
    """Make what is stored of the next tickets, ended ones too, again from their histories."""
    found = editions.in_force(db)
    if found is None:
        return Rebuilt(0, (), None)
    query = select(tickets.c.id).where(tickets.c.id > after).order_by(tickets.c.id).limit(limit)
    ids = list(db.execute(query).scalars())
    differed = []
    for ticket_id in ids:
        before = stored_clocks(db, ticket_id)
        refresh(db, ticket_id, found)
        if stored_clocks(db, ticket_id) != before:
            differed.append(ticket_id)
    return Rebuilt(len(ids), tuple(differed), ids[-1] if len(ids) == limit else None)


def open_tickets(db: Connection, after: int, limit: int) -> list[int]:
    """Ids of open tickets beyond `after`, in order."""
    return list(db.execute(_OPEN, {"after": after, "until": 1 << 62, "most": limit}).scalars())


def _refresh(db: Connection, ticket_ids: Iterable[int]) -> None:
    found = editions.in_force(db)
    if found is not None:
        for ticket_id in sorted(ticket_ids):
            refresh(db, ticket_id, found)
