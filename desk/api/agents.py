"""Agents, and who waits for them."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Path

from desk.access import Reach
from desk.api.access import Reader, reader
from desk.api.call_control import in_time
from desk.api.live_models import AgentOut, AgentsOut, NewState, QueueOut, WaitingOut
from desk.api.problems import Problem
from desk.api.room import CONTROL_ERRORS, Desk, room
from desk.api.state import ApiState
from desk.api.writing import Write
from desk.errors import NoSuchAgent

router = room("agents")


@router.get("/agents")
async def list_agents(
    desk: Desk, who: Annotated[Reader, Depends(reader("agents:read"))]
) -> AgentsOut:
    """All agents and their states, by extension. Scope `agents:read`."""
    return AgentsOut(items=[AgentOut.of(agent, who.masked) for agent in desk.control.agents()])


@router.put("/agents/{extension}/state", responses=CONTROL_ERRORS)
async def set_agent_state(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("agents:write"))],
    extension: Annotated[str, Path(pattern=r"^[0-9]{2,8}$")],
    new: NewState,
    write: Write,
) -> AgentOut:
    """Make an agent ready, away or busy with wrap-up; one who is in a call changes when it ends.
    Returns the agent as it is then. Scope `agents:write`.
    """
    _within_reach(desk, who, extension)
    act = partial(desk.control.set_agent_state, extension, new.state, new.reason, actor=who.actor)
    await write.act(partial(in_time, act))
    for agent in desk.control.agents():
        if agent.extension == extension:
            return AgentOut.of(agent, who.masked)
    raise NoSuchAgent(extension)


def _within_reach(desk: ApiState, who: Reader, extension: str) -> None:
    """Oneself, one's team, or anybody.

    Raises:
        Problem: somebody else.
    """
    if who.reach is Reach.OTHER or extension in who.principal.names:
        return
    teams = {agent.team for agent in desk.control.agents() if agent.extension == extension}
    if who.reach is Reach.TEAM and who.principal.team and who.principal.team in teams:
        return
    raise Problem(
        403,
        "agent-of-others",
        "Not yours",
        f"Agent {extension} is somebody else; for the role {who.principal.role} this goes as far "
        f"as: {who.reach.name.lower()}.",
        "Ask the agent's lead or a supervisor.",
    )


@router.get("/queue")
async def list_waiting(
    desk: Desk, who: Annotated[Reader, Depends(reader("agents:read"))]
) -> QueueOut:
    """Who waits for an agent, by position. Scope `agents:read`."""
    return QueueOut(items=[WaitingOut.of(waiting) for waiting in desk.control.queue()])
