"""A ticket's history as the desk keeps it: its steps, the talks and hand-overs, and what entries
of its timeline say of team, type, level, policy and customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from desk.db.prepared import Prepared
from desk.db.schema import calls, customers, handovers, talks, tickets, timeline
from desk.db.types import moment
from desk.sla.history import Facts, HandOver, History
from desk.text import parsed
from desk.tickets.change import KINDS
from desk.tickets.lifecycle import replay
from desk.tickets.states import Action

MACHINES = ("system", "import", "rule:", "automation:")
"""How the house's own actors begin that are no people: what they tell a customer is no answer. Of
programs outside, the note itself says so."""

_NOTE, _WRITTEN, _SENT = "note.added", "message.queued", "message.sent"
_ACTIONS: dict[str, Action] = {kind: action for action, kind in KINDS.items()}
_SAID = ("type", "level", "policy")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TICKET = Prepared(
    select(
        tickets.c.area_code,
        tickets.c.province,
        tickets.c.type,
        tickets.c.level,
        tickets.c.customer_id,
        tickets.c.opened_at,
    ).where(tickets.c.id == bindparam("of_ticket"))
)
_ENTRIES = Prepared(
    select(
        timeline.c.at, timeline.c.kind, timeline.c.body, timeline.c.actor, timeline.c.customer_id
    )
    .where(
        timeline.c.ticket_id == bindparam("of_ticket"),
        or_(
            timeline.c.kind.startswith("ticket.", autoescape=True),
            *(timeline.c.kind == kind for kind in (_NOTE, _WRITTEN, _SENT)),
        ),
    )
    .order_by(timeline.c.seq)
)
_TALKS = Prepared(
    select(talks.c.started_at)
    .join(calls, calls.c.id == talks.c.call_id)
    .where(calls.c.ticket_id == bindparam("of_ticket"))
    .order_by(talks.c.started_at)
)
_HAND_OVERS = Prepared(
    select(
        handovers.c.asked_at,
        handovers.c.to_team,
        handovers.c.ended_at,
        handovers.c.state,
        handovers.c.term_seconds,
    )
    .where(handovers.c.ticket_id == bindparam("of_ticket"))
    .order_by(handovers.c.id)
)
_CUSTOMER = Prepared(select(customers.c.level).where(customers.c.id == bindparam("of_customer")))
_LEVELS = Prepared(
    select(timeline.c.at, timeline.c.body)
    .where(
        timeline.c.customer_id == bindparam("of_customer"),
        or_(timeline.c.kind == "customer.created", timeline.c.kind == "customer.updated"),
    )
    .order_by(timeline.c.seq)
)


class _Entry(NamedTuple):
    at: datetime
    kind: str
    body: dict[str, Any]
    actor: str
    customer_id: int | None


class _Change(NamedTuple):
    at: datetime
    fields: dict[str, Any]


def history_of(db: Connection, ticket_id: int) -> History | None:
    """The ticket's history; None if there is no such ticket."""
    row = _TICKET.execute(db, {"of_ticket": ticket_id}).fetchone()
    if row is None:
        return None
    area_code, province, type_, level, customer_id, opened_at = row
    rows = _ENTRIES.execute(db, {"of_ticket": ticket_id}).fetchall()
    entries = _entries(rows, moment(opened_at))
    changes = _changes(entries)
    told = any("level" in change.fields for change in changes)
    first = Facts(area_code=area_code, province=province, type=type_, level=0 if told else level)
    return History(
        states=_states(entries, moment(opened_at)),
        teams=tuple((each.at, str(each.body["team"])) for each in entries if "team" in each.body),
        hand_overs=_hand_overs(db, ticket_id),
        contacts=tuple(sorted([*_talks(db, ticket_id), *_messages(entries)])),
        facts=_facts(first, [*changes, *_values(db, entries, customer_id)]),
        erased=any(body is None for _, _, body, _, _ in rows),
    )


def _entries(rows: Sequence[Any], opened_at: datetime) -> list[_Entry]:
    """Entries are in the order of their commits; a clock set back must not turn it round."""
    found: list[_Entry] = []
    for at, kind, body, actor, customer_id in rows:
        since = max(moment(at), found[-1].at if found else opened_at)
        told = parsed(body) if body is not None else {}
        found.append(_Entry(since, kind, told, actor, customer_id))
    return found


def _states(entries: Iterable[_Entry], opened_at: datetime) -> tuple[tuple[datetime, str], ...]:
    """Kinds alone tell the states, so they outlast an erasure."""
    steps = [each for each in entries if each.kind in _ACTIONS]
    states = replay(_ACTIONS[each.kind] for each in steps)
    return tuple(
        (at, str(state))
        for at, state in zip([opened_at, *(each.at for each in steps)], states, strict=True)
    )


def _talks(db: Connection, ticket_id: int) -> list[datetime]:
    return [moment(at) for (at,) in _TALKS.execute(db, {"of_ticket": ticket_id}).fetchall()]


def _messages(entries: Sequence[_Entry]) -> list[datetime]:
    """Public notes that people wrote, and messages that they wrote by hand, once these have gone:
    what the customer reads."""
    notes = (each for each in entries if each.kind == _NOTE and each.body.get("public"))
    by_hand = {e.body.get("message_id") for e in entries if e.body.get("by_hand")}
    return [
        *(
            each.at
            for each in notes
            if not each.body.get("program") and not each.actor.startswith(MACHINES)
        ),
        *(e.at for e in entries if e.kind == _SENT and e.body.get("message_id") in by_hand),
    ]


def _hand_overs(db: Connection, ticket_id: int) -> tuple[HandOver, ...]:
    return tuple(
        HandOver(
            moment(at),
            team,
            moment(ended) if ended else None,
            state == "taken",
            timedelta(seconds=term) if term else None,
        )
        for at, team, ended, state, term in _HAND_OVERS.execute(
            db, {"of_ticket": ticket_id}
        ).fetchall()
    )


def _changes(entries: Iterable[_Entry]) -> list[_Change]:
    return [
        _Change(each.at, {name: each.body[name] for name in _SAID if _says(each.body, name)})
        for each in entries
        if each.kind.startswith("ticket.")
    ]


def _says(body: Mapping[str, Any], name: str) -> bool:
    """A rule that names no policy any more says so by an empty one."""
    return bool(body.get(name)) or (name == "policy" and name in body)


def _values(db: Connection, entries: Sequence[_Entry], customer_id: int | None) -> list[_Change]:
    """The customer's value over time, as far as the present customer was the ticket's."""
    if customer_id is None:
        return []
    since = next((each.at for each in entries if each.customer_id == customer_id), _BEGINNING)
    values = {"of_customer": customer_id}
    found = []
    for at, body in _LEVELS.execute(db, values).fetchall():
        told = parsed(body) if body is not None else {}
        if "level" in told:
            found.append(_Change(max(moment(at), since), {"customer_level": told["level"]}))
    if not found:  # erased, or imported before there was a timeline
        row = _CUSTOMER.execute(db, values).fetchone()
        found.append(_Change(since, {"customer_level": row[0] if row is not None else ""}))
    return found


def _facts(first: Facts, changes: Sequence[_Change]) -> tuple[tuple[datetime, Facts], ...]:
    known = {name: getattr(first, name) for name in Facts.__dataclass_fields__}
    found: list[tuple[datetime, Facts]] = []
    for at, fields in sorted(changes, key=lambda change: change.at):
        known |= fields
        found.append((at, Facts(**known)))
    return tuple(found) or ((_BEGINNING, first),)
