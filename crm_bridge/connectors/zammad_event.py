"""The three events of Zammad's generic CTI interface, made of a timeline entry and its call.

Contract: docs.zammad.org, API, Generic CTI (newCall, answer, hangup). Each event is computed from
what is in the database alone, so it is the same at every attempt and after every restart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from crm_bridge.settings import ZammadTarget
from desk import journal
from desk.db.schema import timeline
from desk.journal import Call
from desk.outbox import Delivery
from desk.text import parsed

ANONYMOUS = "anonymous"
CAUSES = {
    "hangup": "cancel",
    "lost": "cancel",
    "cancelled": "cancel",
    "busy": "busy",
    "no_answer": "noAnswer",
    "rejected": "noAnswer",
    "not_found": "notFound",
    "unreachable": "congestion",
    "congestion": "congestion",
    "fault": "congestion",
}
"""How a call that nobody answered ended, in Zammad's words; what is not here is `noAnswer`: the
caller was served or left a message, and nobody has spoken with him."""


@dataclass(frozen=True, slots=True)
class About:
    """What the database knows of the call of an entry.

    answer_seq, agent: the entry in which an agent answered first, and the agent; None and empty
    if nobody did.
    """

    call: Call
    answer_seq: int | None
    agent: str


def about(db: Connection, call_id: str) -> About | None:
    """The call, and who answered it; None if it is not in the journal."""
    call = journal.get(db, call_id)
    if call is None:
        return None
    first = db.execute(
        select(timeline.c.seq, timeline.c.actor, timeline.c.body)
        .where(timeline.c.call_id == call_id, timeline.c.kind == "agent.answered")
        .order_by(timeline.c.seq)
        .limit(1)
    ).one_or_none()
    if first is None:
        return About(call, None, "")
    body = parsed(first.body) if first.body is not None else {}
    agent = body.get("agent") or first.actor.removeprefix("agent:")
    return About(call, first.seq, str(agent))


def event(
    delivery: Delivery, known: About, target: ZammadTarget, agents: Mapping[str, str]
) -> dict[str, Any] | None:
    """The event as JSON values; None if Zammad has no word for this entry: only the first answer
    of a call is one, a second would set the log's waiting time anew.

    Args:
        agents: names by extension.
    """
    common = _common(delivery.payload["call_id"], known.call, target)
    outbound = known.call.direction == "outbound"
    match delivery.kind:
        case "call.received" | "call.placed":
            queue = {"queue": target.queue} if target.queue else {}
            return {"event": "newCall", **common, **queue}
        case "agent.answered" if delivery.seq == known.answer_seq:
            return {"event": "answer", **common, **_answered(known.agent, target, agents)}
        case "call.ended":
            answered = known.answer_seq is not None and known.answer_seq < delivery.seq
            who = _answered(known.agent, target, agents) if answered else {}
            cause = "normalClearing" if answered else _unanswered(delivery.payload, outbound)
            return {"event": "hangup", **common, **who, "cause": cause}
        case _:
            return None


def _common(call_id: str, call: Call, target: ZammadTarget) -> dict[str, str]:
    person = number_of(call.caller.e164) or number_of(call.caller_id) or ANONYMOUS
    if call.direction == "outbound":
        ours = number_of(target.number) or ANONYMOUS
        return {"from": ours, "to": person, "direction": "out", "callId": call_id}
    line = number_of(call.dialled) or ANONYMOUS
    return {"from": person, "to": line, "direction": "in", "callId": call_id}


def _answered(agent: str, target: ZammadTarget, agents: Mapping[str, str]) -> dict[str, str]:
    if not agent:
        return {}
    user = {"user": agents[agent]} if agents.get(agent) else {}
    return {"answeringNumber": target.answering.get(agent, agent), **user}


def _unanswered(payload: Mapping[str, Any], outbound: bool) -> str:
    cause = str((payload["body"] or {}).get("cause", ""))
    found = CAUSES.get(cause, "noAnswer")
    # Whoever is called and hangs up has not cancelled anything.
    return "noAnswer" if outbound and cause == "hangup" else found


def number_of(text: str) -> str:
    """A number as Zammad writes it: its digits, +862253456789 → 862253456789; empty if none."""
    return re.sub(r"[^0-9]", "", text)
