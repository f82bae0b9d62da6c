"""What is stored of clocks: always what the history says, so it can be made again at any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from desk.db.prepared import Prepared
from desk.db.schema import handovers, sla_clocks, sla_steps, tickets
from desk.db.types import moment
from desk.sla.book import Editions
from desk.sla.clock import Clock, ClockState, clocks
from desk.sla.editions import in_force
from desk.sla.reading import history_of
from desk.sla.settings import Target

_MICROSECOND = timedelta(microseconds=1)
_NAMES = tuple(sla_clocks.c.keys())
_KEY = ("ticket_id", "target", "cycle")
_OF_CLOCK = (
    sla_clocks.c.ticket_id == bindparam("of_ticket"),
    sla_clocks.c.target == bindparam("of_target"),
    sla_clocks.c.cycle == bindparam("of_cycle"),
)
_OF_STEP = (
    sla_steps.c.ticket_id == bindparam("of_ticket"),
    sla_steps.c.target == bindparam("of_target"),
    sla_steps.c.cycle == bindparam("of_cycle"),
    sla_steps.c.step == bindparam("of_step"),
)
_LOCK = Prepared(
    select(tickets.c.id).where(tickets.c.id == bindparam("of_ticket")).with_for_update()
)
_CLOCKS = Prepared(
    select(sla_clocks)
    .where(sla_clocks.c.ticket_id == bindparam("of_ticket"))
    .order_by(sla_clocks.c.target, sla_clocks.c.cycle)
)
_STEPS = Prepared(
    select(sla_steps.c.target, sla_steps.c.cycle, sla_steps.c.step, sla_steps.c.due_at,
           sla_steps.c.fired_at)
    .where(sla_steps.c.ticket_id == bindparam("of_ticket"))
    .order_by(sla_steps.c.target, sla_steps.c.cycle, sla_steps.c.due_at)
)  # fmt: skip
_ADD_CLOCK = Prepared(insert(sla_clocks).inline(), names=_NAMES)
_SET_CLOCK = Prepared(
    update(sla_clocks)
    .where(*_OF_CLOCK)
    .values({name: bindparam(f"new_{name}") for name in _NAMES if name not in _KEY})
)
_DROP_CLOCK = Prepared(delete(sla_clocks).where(*_OF_CLOCK))
_ADD_STEP = Prepared(
    insert(sla_steps).inline(), names=("ticket_id", "target", "cycle", "step", "due_at")
)
_MOVE_STEP = Prepared(update(sla_steps).where(*_OF_STEP).values(due_at=bindparam("new_due_at")))
_DROP_STEP = Prepared(delete(sla_steps).where(*_OF_STEP, sla_steps.c.fired_at.is_(None)))
_MOVE_HAND_OVER = Prepared(
    update(handovers)
    .where(
        handovers.c.ticket_id == bindparam("of_ticket"),
        handovers.c.state == bindparam("of_state"),
        handovers.c.due_at != bindparam("new_due_at"),
    )
    .values(due_at=bindparam("new_due_at"))
)


class StepKey(NamedTuple):
    """What a step of escalation is known by. It fires once, whatever changes."""

    ticket_id: int
    target: str
    cycle: int
    step: str


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step as it is stored; `fired_at` None: it has not fired."""

    key: StepKey
    due_at: Any
    fired_at: Any


def refresh(db: Connection, ticket_id: int, editions: Editions | None = None) -> list[Clock]:
    """Make the stored clocks and the steps that have not fired those of the ticket's history, and
    the deadline of its hand-over that of its clock.

    Call it in the unit that changes a ticket, or leave it to `follow`. Nothing is stored before
    policies are in force. Where part of the history was erased, clocks that have ended stay.
    """
    _LOCK.execute(db, {"of_ticket": ticket_id}).fetchone()
    editions = editions or in_force(db)
    history = history_of(db, ticket_id)
    if editions is None or history is None:
        return stored_clocks(db, ticket_id)
    found = clocks(history, editions)
    if history.erased:
        ended = {(c.target, c.cycle): c for c in stored_clocks(db, ticket_id) if c.ended_at}
        found = [ended.get((clock.target, clock.cycle), clock) for clock in found]
    _write_clocks(db, ticket_id, found)
    _write_steps(db, ticket_id, found)
    _write_hand_over(db, ticket_id, found)
    return found


def stored_clocks(db: Connection, ticket_id: int) -> list[Clock]:
    """The clocks of a ticket as they are stored, by target and cycle, each with its steps that
    have not fired."""
    pending: dict[tuple[str, int], list[tuple[str, Any]]] = {}
    for step in stored_steps(db, ticket_id):
        if step.fired_at is None:
            pending.setdefault((step.key.target, step.key.cycle), []).append(
                (step.key.step, step.due_at)
            )
    rows = _CLOCKS.execute(db, {"of_ticket": ticket_id}).fetchall()
    found = []
    for values in rows:
        row = dict(zip(_NAMES, values, strict=True))
        found.append(clock_of(row, tuple(pending.get((row["target"], row["cycle"]), ()))))
    return sorted(found, key=_order)


def stored_steps(db: Connection, ticket_id: int) -> list[StoredStep]:
    """The steps of a ticket that have fired or will by themselves."""
    return [
        StoredStep(
            StepKey(ticket_id, target, cycle, step),
            moment(due_at),
            moment(fired_at) if fired_at is not None else None,
        )
        for target, cycle, step, due_at, fired_at in _STEPS.execute(
            db, {"of_ticket": ticket_id}
        ).fetchall()
    ]


def _write_clocks(db: Connection, ticket_id: int, wanted: Sequence[Clock]) -> None:
    kept = {
        (row[1], row[2]): _comparable(dict(zip(_NAMES, row, strict=True)))
        for row in _CLOCKS.execute(db, {"of_ticket": ticket_id}).fetchall()
    }
    for clock in wanted:
        row = _row(ticket_id, clock)
        before = kept.pop((row["target"], row["cycle"]), None)
        if before is None:
            _ADD_CLOCK.execute(db, row)
        elif before != row:
            values = {f"new_{name}": row[name] for name in _NAMES if name not in _KEY}
            _SET_CLOCK.execute(db, values | _of(ticket_id, clock.target, clock.cycle))
    for target, cycle in kept:
        _DROP_CLOCK.execute(db, _of(ticket_id, target, cycle))


def _write_steps(db: Connection, ticket_id: int, wanted: Sequence[Clock]) -> None:
    """Steps that fired stay as they are, whatever is wanted now."""
    kept = {(s.key.target, s.key.cycle, s.key.step): s for s in stored_steps(db, ticket_id)}
    for clock in wanted:
        for step, due_at in clock.steps:
            of = _of(ticket_id, clock.target, clock.cycle)
            before = kept.pop((str(clock.target), clock.cycle, step), None)
            if before is None:
                _ADD_STEP.execute(
                    db,
                    {
                        "ticket_id": ticket_id,
                        "target": str(clock.target),
                        "cycle": clock.cycle,
                        "step": step,
                        "due_at": due_at,
                    },
                )
            elif before.fired_at is None and before.due_at != due_at:
                _MOVE_STEP.execute(db, of | {"of_step": step, "new_due_at": due_at})
    for target, cycle, step in kept:
        _DROP_STEP.execute(db, _of(ticket_id, target, cycle) | {"of_step": step})


def _write_hand_over(db: Connection, ticket_id: int, wanted: Sequence[Clock]) -> None:
    """A ticket is on its way to one team at most, and its clock runs until it is there."""
    for clock in wanted:
        if clock.target is Target.HAND_OVER and clock.ended_at is None and clock.due_at:
            of = {"of_ticket": ticket_id, "of_state": "open", "new_due_at": clock.due_at}
            _MOVE_HAND_OVER.execute(db, of)


def _of(ticket_id: int, target: str, cycle: int) -> dict[str, Any]:
    return {"of_ticket": ticket_id, "of_target": str(target), "of_cycle": cycle}


def _row(ticket_id: int, clock: Clock) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "target": str(clock.target),
        "cycle": clock.cycle,
        "edition": clock.edition,
        "policy": clock.policy,
        "kind": clock.kind,
        "team": clock.team,
        "state": str(clock.state),
        "started_at": clock.started_at,
        "elapsed_us": clock.elapsed // _MICROSECOND,
        "counted_at": clock.counted_at,
        "due_seconds": int(clock.due.total_seconds()),
        "amber_at": clock.amber_at,
        "due_at": clock.due_at,
        "ended_at": clock.ended_at,
    }


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the driver gave it, with moments for texts."""
    return {
        name: moment(value) if name.endswith("_at") and value is not None else value
        for name, value in row.items()
    }


def clock_of(values: dict[str, Any], steps: tuple[tuple[str, Any], ...] = ()) -> Clock:
    """The clock in a row of all columns."""
    row = _comparable(values)
    return Clock(
        target=Target(row["target"]),
        cycle=row["cycle"],
        edition=row["edition"],
        policy=row["policy"],
        kind=row["kind"],
        team=row["team"],
        state=ClockState(row["state"]),
        started_at=row["started_at"],
        elapsed=row["elapsed_us"] * _MICROSECOND,
        counted_at=row["counted_at"],
        due=timedelta(seconds=row["due_seconds"]),
        amber_at=row["amber_at"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        steps=steps,
    )


def _order(clock: Clock) -> tuple[int, int]:
    return list(Target).index(clock.target), clock.cycle
