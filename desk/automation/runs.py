"""The run log: which rules ran, why, what they did, and why something was not possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, select

from desk.db.schema.automation import automation_runs as table
from desk.db.types import moment
from desk.numbering import ticket_number
from desk.text import parsed

MOST = 200


class RunState(StrEnum):
    """What came of a run. `failed`: an action of it was not possible; `stopped`: the loop guard let
    it do nothing."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a rule.

    Attributes:
        cause: `entry:17`, `timer:3:17:1`.
        kind: of the entry that set it off; `timer`.
        depth: how many rules in a row brought it about.
        actions: in order, each with `do`, `outcome` (done, skipped, failed, stopped) and `told`.
        clauses: why the condition held, each with `text` and the words that were `mentioned`.
    """

    id: int
    rule: str
    edition: int
    cause: str
    kind: str
    ticket_id: int
    depth: int
    state: RunState
    actions: tuple[Mapping[str, str], ...]
    clauses: tuple[Mapping[str, Any], ...]
    at: datetime

    @property
    def number(self) -> str:
        """The ticket's."""
        return ticket_number(self.ticket_id)


def listing(
    db: Connection,
    *,
    ticket_id: int | None = None,
    rule: str | None = None,
    state: RunState | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Run]:
    """Runs, newest first, at most 200."""
    query = select(table).order_by(table.c.id.desc()).limit(min(limit, MOST))
    if ticket_id is not None:
        query = query.where(table.c.ticket_id == ticket_id)
    if rule is not None:
        query = query.where(table.c.rule == rule)
    if state is not None:
        query = query.where(table.c.state == state.value)
    if before is not None:
        query = query.where(table.c.id < before)
    return [_run(row) for row in db.execute(query)]


def forget(db: Connection, before: datetime, limit: int) -> int:
    """Forget runs from before that moment, oldest first; how many. The timeline keeps what they
    did."""
    old = select(table.c.id).where(table.c.at < before).order_by(table.c.at).limit(limit)
    return db.execute(delete(table).where(table.c.id.in_(old))).rowcount


def oldest(db: Connection) -> datetime | None:
    """When the oldest run was."""
    at: datetime | None = db.execute(select(func.min(table.c.at))).scalar()
    return at


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        rule=row.rule,
        edition=row.edition,
        cause=row.cause,
        kind=row.kind,
        ticket_id=row.ticket_id,
        depth=row.depth,
        state=RunState(row.state),
        actions=tuple(parsed(row.actions)),
        clauses=tuple(parsed(row.clauses)),
        at=moment(row.at),
    )
