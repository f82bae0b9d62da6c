"""An agent's own call: the agent's telephone rings first, then the customer's."""

import contextlib

import structlog

from ari_app.ari import AriError, Channel
from ari_app.calls.call import Call, Stage
from ari_app.calls.callback.called_back import place_in, with_agent
from ari_app.calls.callback.dial import (
    AGENT_PROMPT,
    FAILED_PROMPT,
    dial,
    shown_to_customers,
    tell,
    wait_for_customer,
)
from ari_app.calls.line import Line
from ari_app.calls.outbound import outbound_records as records
from ari_app.calls.outbound.new_call import new_call_row, placed_call
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.talk.legs import hang_up, ring
from ari_app.queue import AgentState, Need
from desk.outbound import Request

log = structlog.get_logger()

TAKEN = frozenset({AgentState.BUSY, AgentState.RINGING})
ANSWERED = "answered"


class NotReached(Exception):  # noqa: N818 - an outcome
    """The agent cannot be had; nothing was dialled to the customer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def with_agent_first(line: Line, board: Switchboard, request: Request, name: str) -> str:
    """How the attempt ended; `answered`: the customer is served by a coroutine of the switchboard.

    Raises:
        NotReached: the agent did not answer, or has another call.
        AriError, DatabaseError: trouble of ours.
    """
    if line.queue.standing(request.agent).state in TAKEN:
        raise NotReached("agent_busy")
    call = await placed_call(line, request, name)
    call.stage = Stage.CALLBACK
    team = next(a.team for a in line.settings.pbx.agents if a.extension == request.agent)
    call.state = {
        "outbound": request.id,
        "since": line.now().isoformat(),
        "need": Need.of(call.caller, team=team).as_dict(),
        "last_agent": request.agent,
        "record": "ask",
    }
    place = place_in(call.state)
    line.queue.busy(request.agent, place)
    leg: Channel | None = None
    why = "lost"
    try:
        leg, missed = await ring(line, call, request.agent)
        if leg is None:
            log.info("agent did not take the call", agent=request.agent, why=missed)
            raise NotReached("agent_missed")
        why = await _customer(line, board, request, call, leg)
    finally:
        if why != ANSWERED:
            if leg is not None:
                with contextlib.suppress(AriError):  # then its own limit ends it
                    await hang_up(leg)
            line.queue.free(request.agent, place)
    return why


async def _customer(
    line: Line, board: Switchboard, request: Request, call: Call, leg: Channel
) -> str:
    settings = line.settings.outbound
    await wait_for_customer(leg, settings.ring_seconds)
    if not await tell(line, leg, AGENT_PROMPT):
        raise NotReached("agent_missed")
    call.state["talk"] = with_agent(leg.id, request.agent).as_state()
    begun = await line.db.write(
        records.begin_with_agent,
        request.id,
        new_call_row(call),
        call.stage,
        call.state,
        shown_to_customers(line),
        settings,
        line.now(),
    )
    if begun != "begun":
        log.info("not called", request=request.id, why=begun)
        await tell(line, leg, FAILED_PROMPT)
        raise NotReached("lost" if begun in ("taken", "hours") else begun)
    why = await dial(line, board, call, leg, settings.ring_seconds)
    if why not in (ANSWERED, "agent_left"):
        await tell(line, leg, FAILED_PROMPT)
    return why
