"""Steps of escalation that are due: each fires once, whoever looks and however often."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from desk.db.prepared import Prepared
from desk.db.schema import sla_steps, tickets
from desk.db.types import iso, moment
from desk.numbering import ticket_number
from desk.sla.clock import Clock
from desk.sla.editions import in_force
from desk.sla.projection import StepKey, refresh
from desk.timeline import append

_DUE = Prepared(
    select(sla_steps.c.ticket_id, sla_steps.c.target, sla_steps.c.cycle, sla_steps.c.step)
    .where(sla_steps.c.fired_at.is_(None), sla_steps.c.due_at <= bindparam("now"))
    .order_by(sla_steps.c.due_at, sla_steps.c.ticket_id, sla_steps.c.target, sla_steps.c.cycle)
    .limit(bindparam("most"))
)
_NEXT = Prepared(
    select(sla_steps.c.due_at)
    .where(sla_steps.c.fired_at.is_(None))
    .order_by(sla_steps.c.due_at)
    .limit(1)
)
_CLAIM = Prepared(
    select(tickets.c.id)
    .where(tickets.c.id == bindparam("of_ticket"))
    .with_for_update(skip_locked=True)
)
_FIRE = Prepared(
    update(sla_steps)
    .where(
        sla_steps.c.ticket_id == bindparam("of_ticket"),
        sla_steps.c.target == bindparam("of_target"),
        sla_steps.c.cycle == bindparam("of_cycle"),
        sla_steps.c.step == bindparam("of_step"),
        sla_steps.c.fired_at.is_(None),
        sla_steps.c.due_at <= bindparam("now"),
    )
    .values(fired_at=bindparam("now"))
    .returning(sla_steps.c.due_at)
)


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that fired just now.

    Attributes:
        due_at: when it was due; earlier than now if nobody looked then.
        clock: as it stands; it may have ended between the two.
    """

    key: StepKey
    due_at: datetime
    clock: Clock


def due_steps(db: Connection, now: datetime, limit: int = 100) -> list[StepKey]:
    """Steps that are due and have not fired, at most `limit`, the longest due first."""
    rows = _DUE.execute(db, {"now": now, "most": limit}).fetchall()
    return [StepKey(*row) for row in rows]


def next_due(db: Connection) -> datetime | None:
    """When the next step is due, if nothing happens before."""
    row = _NEXT.execute(db, {}).fetchone()
    return moment(row[0]) if row is not None else None


def fire(db: Connection, key: StepKey, now: datetime) -> Fired | None:
    """Fire a step; `sla.escalated`. What it shall cause belongs into the same unit of work.

    The ticket is reckoned anew first, so that nobody is told of a case that was just solved in
    time. None: the step fired already, is not due any more, or another process holds the ticket
    at this moment, in which case the step is still due.
    """
    if _CLAIM.execute(db, {"of_ticket": key.ticket_id}).fetchone() is None:
        return None
    clocks = {(each.target, each.cycle): each for each in refresh(db, key.ticket_id, in_force(db))}
    values = {
        "of_ticket": key.ticket_id,
        "of_target": key.target,
        "of_cycle": key.cycle,
        "of_step": key.step,
        "now": now,
    }
    row = next(iter(_FIRE.execute(db, values).fetchall()), None)
    if row is None:
        return None
    due_at = moment(row[0])
    clock = next(c for (target, cycle), c in clocks.items() if (target, cycle) == key[1:3])
    append(
        db,
        kind="sla.escalated",
        body={
            "number": ticket_number(key.ticket_id),
            "target": key.target,
            "cycle": key.cycle,
            "step": key.step,
            "due_at": iso(due_at),
            "policy": clock.policy,
            "edition": clock.edition,
            "team": clock.team,
            "state": str(clock.state),
            "colour": clock.colour(now),
        },
        now=now,
        ticket_id=key.ticket_id,
    )
    return Fired(key, due_at, clock)


def fire_due(db: Connection, now: datetime, limit: int = 20) -> list[Fired]:
    """Fire up to `limit` steps that are due; what each was."""
    return [fired for key in due_steps(db, now, limit) if (fired := fire(db, key, now)) is not None]
