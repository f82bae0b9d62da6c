"""How much of the work goes by the system, measured: what says when the next phase of the roll-out
may begin. Counted from the timeline, so it can be counted again for any time.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from desk.db.schema import confirmations, deliveries, tickets, timeline
from desk.db.schema.survey import surveys
from desk.db.types import moment
from desk.sla.reading import MACHINES
from desk.text import parsed
from desk.timeline import last_seq

RULES = "rule:"
AUTOMATION = "automation:"


@dataclass(frozen=True, slots=True)
class Use:
    """What happened from `since` to before `until`, by the way it came about.

    Attributes:
        opened: tickets by `call` (by itself, from a call), `click` (a person, for a call), `hand`
            (a person, without a call), `program` (by itself, without one).
        joined: further calls that came to a ticket that was there.
        assigned: `rules`, `people`, `automation`, `system`.
        levelled: levels set by `rules`, `people`, `automation`.
        moved: of the assignments by rules, those that people gave to another team afterwards.
        closed: `talk`, `key`, `sms`, `link`: confirmed by the customer; `override`: by none.
        reopened: how often a case came back.
        delivered: entries in targets, now: `delivered`, `pending`, `dead`; not told of one team.
        automated: what automation did, by kind of entry.
        surveys: `asked`, `answered`.
    """

    since: datetime
    until: datetime
    opened: Mapping[str, int] = field(default_factory=dict)
    joined: int = 0
    assigned: Mapping[str, int] = field(default_factory=dict)
    moved: int = 0
    levelled: Mapping[str, int] = field(default_factory=dict)
    closed: Mapping[str, int] = field(default_factory=dict)
    reopened: int = 0
    delivered: Mapping[str, int] = field(default_factory=dict)
    automated: int = 0
    surveys: Mapping[str, int] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float | None]:
        """The shares by which a phase is judged, 0 to 1; None where there was nothing."""
        confirmed = sum(n for way, n in self.closed.items() if way != "override")
        return {
            "tickets_from_calls": _share(
                self.opened.get("call", 0) + self.opened.get("click", 0), self.opened
            ),
            "assigned_by_rules": _share(self.assigned.get("rules", 0), self.assigned),
            "rules_kept": _ratio(
                self.assigned.get("rules", 0) - self.moved, self.assigned.get("rules", 0)
            ),
            "levels_by_rules": _share(self.levelled.get("rules", 0), self.levelled),
            "closed_confirmed": _share(confirmed, self.closed),
            "reopened": _ratio(self.reopened, sum(self.closed.values())),
            "delivered": _share(self.delivered.get("delivered", 0), self.delivered),
            "surveys_answered": _ratio(
                self.surveys.get("answered", 0), self.surveys.get("asked", 0)
            ),
        }


def use(db: Connection, since: datetime, until: datetime, team: str | None = None) -> Use:
    """How much the system was used; with a team, as far as its tickets go.

    Raises:
        ValueError: `until` is not after `since`.
    """
    if until <= since:
        raise ValueError("the time ends before it begins; give a later end")
    opened: Counter[str] = Counter()
    assigned: Counter[str] = Counter()
    levelled: Counter[str] = Counter()
    joined = automated = reopened = 0
    within = _within(db, since, until, team)
    for kind, actor, from_call, count in _entries(db, within):
        who = by_whom(actor)
        automated += count if who == "automation" else 0
        if kind == "ticket.opened":
            opened[_path(who, from_call)] += count
        elif kind == "ticket.joined":
            joined += count
        elif kind == "ticket.assigned":
            assigned[who] += count
        elif kind == "ticket.levelled":
            levelled[who] += count
        elif kind == "ticket.reopened":
            reopened += count
    levelled["rules"] += _levels_of_routing(db, within)
    return Use(
        since=since,
        until=until,
        opened=dict(opened),
        joined=joined,
        assigned=dict(assigned),
        moved=_moved(db, within),
        levelled={who: count for who, count in levelled.items() if count},
        closed=_closed(db, since, until, team),
        reopened=reopened,
        delivered=_delivered(db) if team is None else {},
        automated=automated,
        surveys=_surveys(db, since, until, team),
    )


def by_whom(actor: str) -> str:
    """`rules`, `automation`, `system` or `people` (programs with a token among them)."""
    if actor.startswith(RULES):
        return "rules"
    if actor.startswith(AUTOMATION):
        return "automation"
    return "system" if actor.startswith(MACHINES) else "people"


def _path(who: str, from_call: bool) -> str:
    if who == "people":
        return "click" if from_call else "hand"
    return "call" if from_call else "program"


def _entries(db: Connection, within: list[Any]) -> list[tuple[str, str, bool, int]]:
    """Entries of a time, counted by kind, actor and whether they are of a call."""
    of_call = timeline.c.call_id.is_not(None)
    query = (
        select(timeline.c.kind, timeline.c.actor, of_call, func.count())
        .where(*within)
        .group_by(timeline.c.kind, timeline.c.actor, of_call)
    )
    return [(kind, actor, bool(called), count) for kind, actor, called, count in db.execute(query)]


def _moved(db: Connection, within: list[Any]) -> int:
    query = (
        select(timeline.c.ticket_id, timeline.c.actor, timeline.c.body)
        .where(*within, timeline.c.kind == "ticket.assigned")
        .order_by(timeline.c.seq)
    )
    by_rules: dict[int, list[str]] = {}
    moved = 0
    for ticket_id, actor, body in db.execute(query):
        to_team = str(parsed(body).get("team", "")) if body is not None else ""
        who = by_whom(actor)
        if who == "rules":
            by_rules.setdefault(ticket_id, []).append(to_team)
        elif who == "people":
            moved += sum(given != to_team for given in by_rules.pop(ticket_id, ()))
    return moved


def _levels_of_routing(db: Connection, within: list[Any]) -> int:
    """Tickets that got their level when they were routed."""
    query = select(timeline.c.body).where(*within, timeline.c.kind == "ticket.routed")
    return sum('"level":' in (body or "") for (body,) in db.execute(query))


def _within(db: Connection, since: datetime, until: datetime, team: str | None) -> list[Any]:
    """Entries have no index by time, but are in its order, a clock set back apart."""
    return [
        *_of_team(timeline.c.ticket_id, team),
        timeline.c.seq >= _first_from(db, since),
        timeline.c.at >= since,
        timeline.c.at < until,
    ]


def _of_team(ticket_id: Any, team: str | None) -> list[Any]:
    """That a ticket is a team's now."""
    if team is None:
        return []
    return [ticket_id.in_(select(tickets.c.id).where(tickets.c.team == team))]


def _first_from(db: Connection, since: datetime) -> int:
    """The first entry at or after a moment, found by halving."""
    low, high = 1, last_seq(db) + 1
    while low < high:
        middle = (low + high) // 2
        at = db.execute(select(timeline.c.at).where(timeline.c.seq == middle)).scalar()
        if at is not None and moment(at) < since:
            low = middle + 1
        else:
            high = middle
    return low


def _closed(db: Connection, since: datetime, until: datetime, team: str | None) -> dict[str, int]:
    query = (
        select(confirmations.c.source, func.count())
        .where(
            confirmations.c.at >= since,
            confirmations.c.at < until,
            confirmations.c.answer.in_(("solved", "overridden")),
            *_of_team(confirmations.c.ticket_id, team),
        )
        .group_by(confirmations.c.source)
    )
    return _counts(db, query)


def _delivered(db: Connection) -> dict[str, int]:
    """As it stands now: what arrived is forgotten after a while."""
    query = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return _counts(db, query)


def _counts(db: Connection, query: Any) -> dict[str, int]:
    return {str(name): int(count) for name, count in db.execute(query)}


def _surveys(db: Connection, since: datetime, until: datetime, team: str | None) -> dict[str, int]:
    asked, answered = db.execute(
        select(func.count(), func.count(surveys.c.answered_at)).where(
            surveys.c.asked_at >= since,
            surveys.c.asked_at < until,
            *_of_team(surveys.c.ticket_id, team),
        )
    ).one()
    return {"asked": asked, "answered": answered} if asked else {}


def _share(part: int, whole: Mapping[str, int]) -> float | None:
    return _ratio(part, sum(whole.values()))


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
