"""Routing by itself: when a ticket is opened, and when something changes on which rules depend."""

from datetime import datetime

from sqlalchemy import Connection, select

from desk.chores import Chore, Entry, follower
from desk.db.schema import calls, tickets
from desk.house import house_of
from desk.numbering import ticket_id_of
from desk.rollout import Switch
from desk.routing.editions import in_force
from desk.routing.levels import RULES, set_level
from desk.routing.route import NOT_BEGUN, route
from desk.routing.words import TELLING, told_by
from desk.tickets.ticket import get

CHANGES = frozenset(
    {
        "ticket.opened",
        "ticket.joined",
        "ticket.edited",
        "ticket.fields_set",
        "ticket.levelled",
        "ticket.reopened",
        "ticket.unmerged",
        "call.ended",
    }
)
"""Kinds after which a ticket is routed whatever they say."""
ABSORBED = "ticket.absorbed"
PREFIXES = (*sorted(CHANGES), *sorted(set(TELLING) - CHANGES), "customer.updated", ABSORBED)
MOST_OF_CUSTOMER = 50


def routing_chores() -> list[Chore]:
    """The chores of routing. Switches and rules are those in force when an entry is followed."""
    return [follower("routing", PREFIXES, react)]


def react(db: Connection, entry: Entry, now: datetime) -> None:
    """Route the ticket that an entry is about, if the entry matters to it. What routing itself did
    matters to nothing here.
    """
    if entry.actor == RULES.actor:
        return
    if entry.kind == "customer.updated":
        for ticket_id in _of_customer(db, entry.customer_id):
            route(db, ticket_id, now)
        return
    if entry.kind == ABSORBED and entry.ticket_id is not None:
        _take_level_over(db, entry.ticket_id, str(entry.body.get("other", "")), now)
        return
    if entry.kind not in CHANGES and not _heeded(db, entry):
        return
    about = entry.ticket_id if entry.ticket_id is not None else _of_call(db, entry.call_id)
    if about is not None:
        route(db, about, now)


def _take_level_over(db: Connection, survivor_id: int, other: str, now: datetime) -> None:
    """The survivor of a merger is as grave as what was merged into it."""
    other_id = ticket_id_of(other)
    merged = get(db, other_id) if other_id is not None else None
    if merged is None or not merged.level or not house_of(db).on(Switch.ROUTING_LEVELS):
        return
    set_level(db, survivor_id, merged.level, now, reason=f"并入 {other}", by=RULES)


def _heeded(db: Connection, entry: Entry) -> bool:
    """Whether the words that an entry brings may matter to a rule: most utterances do not."""
    words = told_by(entry.kind, entry.body)
    book = in_force(db) if words else None
    return book is not None and book.heeds(words)


def _of_customer(db: Connection, customer_id: int | None) -> list[int]:
    if customer_id is None:
        return []
    query = (
        select(tickets.c.id)
        .where(
            tickets.c.customer_id == customer_id,
            tickets.c.status.in_([status.value for status in sorted(NOT_BEGUN)]),
        )
        .order_by(tickets.c.id)
        .limit(MOST_OF_CUSTOMER)
        .with_for_update()  # all of them before anything is appended: see desk.chores.followers
    )
    return list(db.execute(query).scalars())


def _of_call(db: Connection, call_id: str | None) -> int | None:
    if call_id is None:
        return None
    found: int | None = db.execute(select(calls.c.ticket_id).where(calls.c.id == call_id)).scalar()
    return found
