"""The agents' states, kept in the desk: what one process knows, the next begins with."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ari_app.calls.journal import Journal
from ari_app.calls.journal.units import unit
from ari_app.queue import Agent, AgentStanding, Queue
from ari_app.settings import Settings
from desk import agents
from desk.db.engine import Database

Publish = Callable[[str, str | None, Mapping[str, Any]], None]


def _is_known(db: Connection, now: datetime, extension: str, **_: Any) -> bool:
    row = agents.states(db).get(extension)
    return row is not None and row.since >= now


@unit("agent.state", already=_is_known)
def agent_state(db: Connection, now: datetime, extension: str, state: str, reason: str) -> None:
    """What an agent does now; the same again changes nothing."""
    agents.set_state(db, extension, state, reason, now)


async def restored_queue(
    settings: Settings,
    db: Database,
    journal: Journal,
    publish: Publish,
    now: Callable[[], datetime],
) -> Queue:
    """The queue of this line's agents in the states that the desk knows; every change is kept
    there, and told to who watches."""

    def changed(standing: AgentStanding) -> None:
        extension, state = standing.agent.extension, standing.state.value
        journal.record(None, agent_state(extension, state, standing.reason))
        body = {"extension": extension, "state": state, "reason": standing.reason}
        publish("agent.state", standing.call_id or None, body)

    known = [Agent.of(agent) for agent in settings.pbx.agents]
    queue = Queue(known, settings.queue, now, changed)
    queue.restore((await db.read(agents.states)).values())
    return queue
