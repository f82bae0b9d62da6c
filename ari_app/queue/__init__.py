"""Callers who wait and agents who serve: who gets whom, and when.

    queue = Queue([Agent.of(agent) for agent in settings.pbx.agents], settings.queue, now)
    with queue.join(Waiting(call_id, now(), need)) as place:
        while agent := await place.offer(30):
            if await rings_and_answers(agent):
                place.answered()
                break
            place.declined("no_answer")

The rules stand in `docs/queue.md`.
"""

from ari_app.queue.agent import Agent, AgentStanding, AgentState, Row
from ari_app.queue.errors import NoSuchAgent, QueueFull, StateRefused
from ari_app.queue.need import Need, Waiting
from ari_app.queue.place import Place
from ari_app.queue.priority import priority_of
from ari_app.queue.queue import InLine, Queue
from ari_app.queue.roster import DECLINED
from ari_app.queue.settings import QueueSettings

__all__ = [
    "DECLINED",
    "Agent",
    "AgentStanding",
    "AgentState",
    "InLine",
    "Need",
    "NoSuchAgent",
    "Place",
    "Queue",
    "QueueFull",
    "QueueSettings",
    "Row",
    "StateRefused",
    "Waiting",
    "priority_of",
]
