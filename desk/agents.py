"""The agents' states as they were last known: what a restart begins with.

Who the agents are is written in config.yaml; the desk keeps only what changes while they work.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.prepared import Prepared
from desk.db.schema import agents
from desk.db.types import moment
from desk.text import storable
from desk.timeline import append

MOST_EXTENSION = 40

_STATE = Prepared(
    select(agents.c.state, agents.c.reason)
    .where(agents.c.extension == bindparam("of_extension"))
    .with_for_update()
)
_COLUMNS = ("extension", "state", "reason", "since")
_ON_SQLITE, _ON_POSTGRESQL = sqlite.insert(agents), postgresql.insert(agents)
_PUT = Prepared(
    _ON_SQLITE.on_conflict_do_update(
        index_elements=["extension"],
        set_={name: _ON_SQLITE.excluded[name] for name in _COLUMNS[1:]},
    ),
    names=_COLUMNS,
    on_postgresql=_ON_POSTGRESQL.on_conflict_do_update(
        index_elements=["extension"],
        set_={name: _ON_POSTGRESQL.excluded[name] for name in _COLUMNS[1:]},
    ),
)
_ALL = Prepared(
    select(agents.c.extension, agents.c.state, agents.c.reason, agents.c.since).order_by(
        agents.c.extension
    )
)


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent's state, the reason given for it (`""`: none), and since when it lasts."""

    extension: str
    state: str
    reason: str
    since: datetime


def set_state(
    db: Connection,
    extension: str,
    state: str,
    reason: str,
    now: datetime,
    actor: str = "system",
) -> None:
    """Record an agent's state; `agent.state`. The same state and reason again change nothing.

    The entry leaves the house too, in order per agent.

    Raises:
        ValueError: the extension is empty or longer than 40 characters.
    """
    if not 0 < len(extension) <= MOST_EXTENSION:
        raise ValueError(f"an extension has 1 to {MOST_EXTENSION} characters: {extension!r}")
    state, reason = storable(str(state), 20), storable(reason, 200)
    before = _STATE.execute(db, {"of_extension": extension}).fetchone()
    if before is not None and tuple(before) == (state, reason):
        return
    _PUT.execute(db, {"extension": extension, "state": state, "reason": reason, "since": now})
    append(
        db,
        kind="agent.state",
        body={
            "agent": extension,
            "state": state,
            "before": before[0] if before is not None else "",
            "reason": reason,
        },
        now=now,
        actor=actor,
        outbox_key=f"agent:{extension}",
    )


def states(db: Connection) -> dict[str, AgentRow]:
    """Every agent who ever had a state, by extension."""
    return {
        extension: AgentRow(extension, state, reason, moment(since))
        for extension, state, reason, since in _ALL.execute(db, {}).fetchall()
    }
