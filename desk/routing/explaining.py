"""Why a ticket goes where it goes: which rule held, at which clause the others failed, and why
this team and this person. Changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from desk.errors import NoSuchTicket
from desk.house import house_of
from desk.routing.assign import Chosen, Wanted, choose
from desk.routing.decide import Book, Decision, RuleTold, told
from desk.routing.errors import BadSample
from desk.routing.facts import facts_of, moment_facts, zone_of
from desk.routing.levels import is_less_grave
from desk.routing.places import person_for, wanted_by
from desk.routing.roster import away_of, loads_of, roster_of
from desk.routing.route import level_for
from desk.routing.ruleset import LevelFlow
from desk.routing.schema import FACTS, Kind, Schema, fits
from desk.tickets.ticket import get

_REGIONS = ("area_code", "city", "province")


@dataclass(frozen=True, slots=True)
class Explained:
    """What routing would do now.

    Attributes:
        level: that the ticket would have; `flow`: what it means.
        chosen: who would get it, and why not the others.
    """

    edition: int
    decision: Decision
    rules: tuple[RuleTold, ...]
    level: int
    flow: LevelFlow | None
    priority: int
    chosen: Chosen


def explain(db: Connection, book: Book, ticket_id: int, now: datetime) -> Explained:
    """What a rule set makes of a ticket, as if nobody had decided anything yet.

    Raises:
        NoSuchTicket: there is none.
    """
    ticket = get(db, ticket_id)
    if ticket is None:
        raise NoSuchTicket(ticket_id)
    decision, rules = told(book, facts_of(db, ticket_id, now))
    level = level_for(db, book, ticket, decision, now)
    wanted = wanted_by(book, ticket, decision, level)
    chosen = person_for(db, house_of(db), ticket, wanted)
    return _explained(book, decision, rules, level, ticket.priority, chosen)


def explain_sample(
    db: Connection, book: Book, sample: Mapping[str, Any], now: datetime
) -> Explained:
    """What a rule set makes of a ticket of which only these facts are known.

    Args:
        sample: `{"ticket": {"type": "complaint", "text": "…"}, "customer": {"level": "金牌"}}`.

    Raises:
        BadSample: it names what is no fact, or gives it another type.
    """
    facts = checked(sample, book.schema)
    zone = zone_of(db, facts.get("ticket", {}).get("team") or "")
    facts = {**facts, "now": {**moment_facts(now, zone), **facts.get("now", {})}}
    decision, rules = told(book, facts)
    ticket = facts.get("ticket", {})
    has = int(ticket.get("level") or 0)
    level = has if is_less_grave(decision.level, has) else decision.level
    flow = book.flow(level)
    house = house_of(db)
    roster = roster_of(db, house)
    wanted = Wanted(
        team=decision.team,
        skill=decision.skill,
        role=flow.role if flow is not None else "agent",
        regions=tuple(ticket[name] for name in _REGIONS if ticket.get(name)),
    )
    known = [name for name in (ticket.get("assignee"),) if name]
    chosen = choose(wanted, roster, loads_of(db, roster), away=away_of(db), known=known)
    return _explained(book, decision, rules, level, int(ticket.get("priority") or 0), chosen)


def checked(sample: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """A sample's facts, each of which is one, and of its type.

    Raises:
        BadSample: see there.
    """
    problems = []
    own: dict[str, Any] = {
        subject: dict(values) if isinstance(values, Mapping) else values
        for subject, values in sample.items()
    }
    for subject, values in own.items():
        if subject not in FACTS or not isinstance(values, dict):
            problems.append(f"{subject} is none of {', '.join(FACTS)}, with facts under it")
            continue
        fields = values.get("fields") if subject == "ticket" else None
        if fields is not None and not isinstance(fields, Mapping):
            problems.append("ticket.fields has no fields under it")
            fields = None
        for path, name, value in [
            *((subject, name, value) for name, value in values.items() if name != "fields"),
            *(("ticket.fields", name, value) for name, value in (fields or {}).items()),
        ]:
            kind = schema.kind_of(path, str(name))
            if kind is Kind.MOMENT:
                values[name] = value = _moment(value)
            if kind is None:
                problems.append(f"{path}.{name} is no fact; `huisheng rules facts` lists them")
            elif value is not None and not fits(kind, value):
                problems.append(f"{path}.{name} must be {kind.value.replace('_', ' or ')}")
    if problems:
        raise BadSample(problems)
    return own


def _moment(value: Any) -> Any:
    """A moment as JSON and YAML write it; what is none stays as it is."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _explained(
    book: Book, decision: Decision, rules: tuple[RuleTold, ...], level: int, priority: int,
    chosen: Chosen,
) -> Explained:  # fmt: skip
    flow = book.flow(level)
    of_level = flow.priority if flow is not None else 0
    return Explained(
        edition=book.edition,
        decision=decision,
        rules=rules,
        level=level,
        flow=flow,
        priority=max(priority, decision.priority, of_level),
        chosen=chosen,
    )
