"""Calls whose caller was told by the line itself how a case stands, where that led, and how many of
them needed no agent.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, exists, func, select, update

from desk.db.insert import insert_unless_there
from desk.db.schema import talks
from desk.db.schema.survey import progress_calls
from desk.numbering import ticket_number
from desk.timeline import append

_INSERT = insert_unless_there(progress_calls, ("call_id", "ticket_id", "told", "at", "outcome"))


class Outcome(StrEnum):
    """Where it led. `told`: the caller heard it and hung up."""

    TOLD = "told"
    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    PERSON = "person"
    OTHER = "other"  # rang about something else


ANSWERED = (Outcome.TOLD, Outcome.SOLVED, Outcome.NOT_SOLVED)
"""What such a caller wanted was done, unless an agent talked with him in the end."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a time: `outcomes` of all such calls, and those `without_agent`: answered by the line."""

    calls: int
    without_agent: int
    outcomes: dict[Outcome, int]


def told(db: Connection, call_id: str, ticket_id: int, status: str, now: datetime) -> None:
    """The caller was told that the case is in this status, once per call; `case.told`."""
    row = {"call_id": call_id, "ticket_id": ticket_id, "told": status, "at": now}
    if _INSERT.execute(db, {**row, "outcome": Outcome.TOLD.value}).rowcount == 0:
        return
    append(
        db,
        kind="case.told",
        body={"number": ticket_number(ticket_id), "status": status},
        now=now,
        call_id=call_id,
        ticket_id=ticket_id,
    )


def is_told(db: Connection, call_id: str) -> bool:
    """Whether this call's caller was told."""
    there = select(progress_calls.c.call_id).where(progress_calls.c.call_id == call_id)
    return db.execute(there).first() is not None


def led_to(db: Connection, call_id: str, outcome: Outcome) -> None:
    """Where it led, of a call whose caller was told; the last word counts."""
    db.execute(
        update(progress_calls)
        .where(progress_calls.c.call_id == call_id)
        .values(outcome=outcome.value)
    )


def figures(db: Connection, since: datetime, until: datetime) -> Figures:
    """The figures of calls from `since` up to `until`."""
    spoke = exists().where(talks.c.call_id == progress_calls.c.call_id)
    of_time = (progress_calls.c.at >= since, progress_calls.c.at < until)
    counted = (
        select(progress_calls.c.outcome, func.count())
        .where(*of_time)
        .group_by(progress_calls.c.outcome)
    )
    outcomes = {Outcome(outcome): number for outcome, number in db.execute(counted)}
    answered = [one.value for one in ANSWERED]
    alone = (
        select(func.count())
        .select_from(progress_calls)
        .where(*of_time, progress_calls.c.outcome.in_(answered), ~spoke)
    )
    return Figures(
        calls=sum(outcomes.values()),
        without_agent=db.execute(alone).scalar_one(),
        outcomes={outcome: outcomes.get(outcome, 0) for outcome in Outcome},
    )
