"""Routing a ticket: asking the rules, and doing what they say as far as nobody has decided
otherwise. Whom a person put in charge stays; a level that a person set is raised only by new words.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.schema import calls
from desk.db.schema.routing import ticket_routes
from desk.db.types import moment
from desk.house import House, house_of
from desk.rollout import Switch
from desk.routing.assign import Chosen
from desk.routing.decide import Book, Decision, decide
from desk.routing.editions import in_force
from desk.routing.facts import facts_of
from desk.routing.levels import (
    RULES,
    add_watchers,
    enter,
    is_less_grave,
    pinned_at,
    raised,
    set_level,
)
from desk.routing.places import person_for, wanted_by
from desk.routing.words import text_since
from desk.text import canonical, parsed
from desk.tickets import steps
from desk.tickets.change import write
from desk.tickets.states import ALIVE, Status
from desk.tickets.ticket import Ticket, for_change

ROUTED = "ticket.routed"
NOT_BEGUN = frozenset({Status.ACCEPTED, Status.ASSIGNED, Status.REOPENED, Status.ESCALATED})
"""Where routing may still say who is in charge."""
_COLUMNS = ("edition", "skill", "role", "confirm", "team", "assignee", "decision", "routed_at")


@dataclass(frozen=True, slots=True)
class Route:
    """What routing decided for a ticket the last time.

    Attributes:
        team, assignee: where it put the ticket.
    """

    ticket_id: int
    edition: int
    skill: str
    role: str
    confirm: str
    team: str
    assignee: str
    decision: Mapping[str, Any]
    routed_at: datetime


def route_of(db: Connection, ticket_id: int) -> Route | None:
    """What routing decided for a ticket the last time; None: it has not been routed."""
    row = db.execute(select(ticket_routes).where(ticket_routes.c.ticket_id == ticket_id)).first()
    if row is None:
        return None
    return Route(
        ticket_id=row.ticket_id,
        edition=row.edition,
        skill=row.skill,
        role=row.role,
        confirm=row.confirm,
        team=row.team,
        assignee=row.assignee,
        decision=parsed(row.decision),
        routed_at=moment(row.routed_at),
    )


def route(db: Connection, ticket_id: int, now: datetime, *, again: bool = False) -> Ticket:
    """Route a ticket that has not ended; `ticket.routed`, and `ticket.assigned` where it goes
    somewhere else. What comes out as before changes nothing, and without a rule set in force
    nothing does. While the call that opened it is in progress, only its level is raised; the rest
    follows when the call has ended. Once it is resolved, only its level is raised too: how it is
    confirmed depends on it, however soon the solution follows what made it grave.

    Args:
        again: whom a person put in charge does not stay.

    Raises:
        NoSuchTicket: there is none.
    """
    ticket = for_change(db, ticket_id)
    book, house = in_force(db), house_of(db)
    if book is None or ticket.status not in ALIVE or not house.on(Switch.ROUTING_RULES):
        return ticket
    before = route_of(db, ticket_id)
    decision = decide(book, facts_of(db, ticket_id, now))
    level = level_for(db, book, ticket, decision, now) if house.on(Switch.ROUTING_LEVELS) else 0
    resolved = ticket.status == Status.RESOLVED
    if resolved or (not again and _call_in_progress(db, ticket)):
        if not level or level == ticket.level:
            return ticket
        why = f"规则 {', '.join(decision.rules)}"
        return set_level(db, ticket_id, level, now, reason=why, by=RULES)
    placed = _placed(db, book, house, ticket, before, decision, level or ticket.level, again)
    graver = level != 0 and level != ticket.level
    changed = _written(db, book, ticket, before, decision, level if graver else 0, now)
    _keep(db, book, changed, placed, decision, now)
    if placed is not None and (placed.team, placed.assignee) != (changed.team, changed.assignee):
        changed = steps.assign(
            db, ticket_id, now, by=RULES, expected_version=None, team=placed.team,
            assignee=placed.assignee,
        )  # fmt: skip
    if graver:
        changed = enter(db, changed, book, now)
    if before is None or list(decision.watchers) != before.decision["watchers"]:
        add_watchers(db, changed, decision.watchers, now)
    return changed


def level_for(db: Connection, book: Book, ticket: Ticket, decision: Decision, now: datetime) -> int:
    """The level that a ticket gets: the rules' if that is graver than what it has, else its own.
    Where a person has set it, only what was said since can raise it.
    """
    if not decision.level or is_less_grave(decision.level, ticket.level):
        return ticket.level
    pin = pinned_at(db, ticket.id)
    if pin:
        since = text_since(db, ticket.id, pin)
        facts = facts_of(db, ticket.id, now, text=since)
        silent = {**facts, "ticket": {**facts["ticket"], "text": ""}}
        with_words, without = decide(book, facts).level, decide(book, silent).level
        if with_words == without or is_less_grave(with_words, without):
            return ticket.level
        return ticket.level if is_less_grave(with_words, ticket.level) else with_words
    return decision.level


@dataclass(frozen=True, slots=True)
class _Place:
    """Where routing puts a ticket."""

    team: str
    assignee: str
    chosen: Chosen | None


def _placed(
    db: Connection, book: Book, house: House, ticket: Ticket, before: Route | None,
    decision: Decision, level: int, again: bool,
) -> _Place | None:  # fmt: skip
    """Where a ticket is to go; None: it stays, because work on it has begun or a person put it
    where it is.
    """
    if not house.on(Switch.ROUTING_ASSIGNMENT) or ticket.status not in NOT_BEGUN:
        return None
    own = (before.team, before.assignee) if before is not None else ("", "")
    if not again and (ticket.team, ticket.assignee) != own:
        return None
    chosen = person_for(db, house, ticket, wanted_by(book, ticket, decision, level))
    return _Place(decision.team, chosen.assignee, chosen)


def _written(
    db: Connection, book: Book, ticket: Ticket, before: Route | None, decision: Decision,
    level: int, now: datetime,
) -> Ticket:  # fmt: skip
    """The ticket with type, level and priority of the decision; nothing is written where nothing
    is new.
    """
    values: dict[str, Any] = {}
    if before is None and decision.type and decision.type != ticket.type:
        values["type"] = decision.type
    if level:
        values["level"] = level
    priority = max(decision.priority, raised(book, ticket, level or ticket.level))
    if priority > ticket.priority:
        values["priority"] = priority
    same = before is not None and before.decision == _told(decision)
    if same and not values:
        return ticket
    body = {
        "edition": book.edition,
        "rules": decision.rules,
        "place": decision.place,
        "skill": decision.skill,
        "policy": decision.policy,
        "confirm": decision.confirm,
        "watchers": decision.watchers,
        **values,
    }
    return write(db, ticket, now, RULES, kind=ROUTED, values=values, body=body)


def _keep(
    db: Connection, book: Book, ticket: Ticket, placed: _Place | None, decision: Decision,
    now: datetime,
) -> None:  # fmt: skip
    before = route_of(db, ticket.id)
    place = (before.team, before.assignee) if before is not None else ("", "")
    if placed is not None:
        place = (placed.team, placed.assignee)
    flow = book.flow(ticket.level)
    row = {
        "ticket_id": ticket.id,
        "edition": book.edition,
        "skill": decision.skill,
        "role": flow.role if flow is not None else "agent",
        "confirm": decision.confirm,
        "team": place[0],
        "assignee": place[1],
        "decision": canonical(_told(decision)),
        "routed_at": now,
    }
    insert = (sqlite if db.dialect.name == "sqlite" else postgresql).insert(ticket_routes)
    db.execute(
        insert.values(row).on_conflict_do_update(
            index_elements=["ticket_id"],
            set_={name: insert.excluded[name] for name in _COLUMNS},
        )
    )


def _told(decision: Decision) -> dict[str, Any]:
    """A decision as it is kept."""
    return {**asdict(decision), "rules": list(decision.rules), "watchers": list(decision.watchers)}


def _call_in_progress(db: Connection, ticket: Ticket) -> bool:
    """Whether somebody is on the line about it: its own call, which opened it, has not ended."""
    if ticket.call_id is None:
        return False
    query = select(calls.c.ended_at).where(calls.c.id == ticket.call_id)
    row = db.execute(query).first()
    return row is not None and row.ended_at is None
