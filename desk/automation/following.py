"""What an entry of the timeline, and a timer whose moment has come, set off."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, select

from desk.automation import timers
from desk.automation.book import Book, Ready
from desk.automation.depth import depth_after, depth_of
from desk.automation.editions import in_force
from desk.automation.running import Cause, run
from desk.automation.settings import ZONE
from desk.automation.timers import STEPS, Timer
from desk.automation.tools import Tools
from desk.chores import Entry
from desk.db.schema import calls
from desk.house import house_of
from desk.rollout import Switch
from desk.routing.condition import Why
from desk.routing.facts import facts_of
from desk.tickets.states import Status
from desk.tickets.ticket import get as get_ticket

React = Callable[[Connection, Entry, datetime], None]


def reaction(tools: Tools, zone: tzinfo = ZONE) -> React:
    """What the follower does with an entry."""

    def react(db: Connection, entry: Entry, now: datetime) -> None:
        if not house_of(db).on(Switch.AUTOMATION_RULES):
            return
        book = in_force(db)
        if book is None:
            return
        rules, moves = book.on(entry.kind), entry.kind in STEPS and "status" in entry.body
        ticket_id = about(db, entry.ticket_id, entry.call_id) if rules or moves else None
        if ticket_id is None:
            return
        if moves:
            before, status = entry.body.get("from", ""), entry.body["status"]
            timers.moved(db, book, ticket_id, entry.seq, entry.at, before, status)
        if rules:
            timers.set_by_entry(db, rules, ticket_id, entry.seq, entry.at)
            _at_once(db, book, entry, ticket_id, now, tools, zone)

    return react


def heeded(db: Connection) -> Callable[[str], bool]:
    """Which kinds of entries the rules in force, or their timers, do anything about."""
    book = in_force(db) if house_of(db).on(Switch.AUTOMATION_RULES) else None

    def heeds(kind: str) -> bool:
        return book is not None and (kind in STEPS or bool(book.on(kind)))

    return heeds


def about(db: Connection, ticket_id: int | None, call_id: str | None) -> int | None:
    """The ticket that an entry is about: its own, or its call's."""
    if ticket_id is not None or call_id is None:
        return ticket_id
    found: int | None = db.execute(select(calls.c.ticket_id).where(calls.c.id == call_id)).scalar()
    return found


def _at_once(
    db: Connection,
    book: Book,
    entry: Entry,
    ticket_id: int,
    now: datetime,
    tools: Tools,
    zone: tzinfo,
) -> None:
    event = event_of(entry.kind, entry.actor, entry.body)
    depth = depth_after(db, entry.seq, entry.actor, entry.body)
    cause = Cause(f"entry:{entry.seq}", entry.kind, ticket_id, depth, event)
    facts: dict[str, Any] | None = None
    for each in book.on(entry.kind):
        if each.rule.timed:
            continue
        if facts is None:
            facts = facts_of(db, ticket_id, now, event, zone=zone)
        why = each.condition.why(facts)
        if not why.holds:
            continue
        run(db, each, book.edition, cause, why.clauses, now, tools)
        if each.rule.stop:
            return
        facts = None  # the rule may have changed them


def fire(db: Connection, now: datetime, limit: int, tools: Tools, zone: tzinfo = ZONE) -> int:
    """Let up to `limit` timers that are due do what their rules say; how many there were."""
    found = timers.due(db, now, limit)
    if not found:
        return 0
    book = in_force(db) if house_of(db).on(Switch.AUTOMATION_RULES) else None
    for done, timer in enumerate(found):
        if done and _holds_the_head(db):
            return done
        ready = book.named(timer.rule) if book is not None else None
        timers.over(db, timer, ready, now)
        if book is not None and ready is not None and ready.digest == timer.digest:
            _fire(db, book, ready, timer, now, tools, zone)
    return len(found)


def _holds_the_head(db: Connection) -> bool:
    """Who has appended to the timeline holds its head, and must not wait for another ticket then:
    its holder may wait for the head. SQLite has one writer and no such trouble."""
    return db.dialect.name != "sqlite" and "advanced" in db.info


def _fire(
    db: Connection,
    book: Book,
    ready: Ready,
    timer: Timer,
    now: datetime,
    tools: Tools,
    zone: tzinfo,
) -> None:
    ticket = get_ticket(db, timer.ticket_id)
    if ticket is None or ticket.status == Status.MERGED:
        return
    if timer.in_status and ticket.status != timer.in_status:
        return
    event = {"kind": ready.name}
    why = _why(db, ready, timer.ticket_id, now, event, zone)
    if why.holds:
        depth = depth_of(db, timer.since_seq)
        cause = Cause(timer.cause, "timer", timer.ticket_id, depth, event)
        run(db, ready, book.edition, cause, why.clauses, now, tools)


def _why(
    db: Connection,
    ready: Ready,
    ticket_id: int,
    now: datetime,
    event: Mapping[str, Any],
    zone: tzinfo,
) -> Why:
    return ready.condition.why(facts_of(db, ticket_id, now, event, zone=zone))


def event_of(kind: str, actor: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as conditions ask for it."""
    return {**body, "kind": kind, "actor": actor}
