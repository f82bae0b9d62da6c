"""Agents' phones ring, one after the other, until one answers."""

import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog

from ari_app.ari import (
    AriError,
    Channel,
    ChannelDestroyed,
    Event,
    Events,
    NotFound,
    StasisStart,
    new_id,
)
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.line import Line
from ari_app.calls.sound import play
from asterisk_conf.settings import AgentSettings

log = structlog.get_logger()

NOBODY = "nobody"  # the prompt that asks for a message when nobody answers
AGENT_LEG = "agent"
RING_GRACE_SECONDS = 5.0


async def connect(call: Call, line: Line) -> Stage:
    """Stage CONNECT. Nobody answers: a message, and so a ticket."""
    await play(call, line, "connecting")
    async with _music(call):
        for agent in agents_for(call, line.settings.pbx.agents):
            leg = await _ring(call, line, agent)
            if leg is not None:
                call.state = {**call.state, "agent": agent.extension, "leg": leg.id}
                return Stage.TALK
    call.state = {**call.state, "prompt": NOBODY}
    return Stage.MESSAGE


def agents_for(call: Call, agents: Sequence[AgentSettings]) -> list[AgentSettings]:
    """Whom to ring, in order: the extension dialled, or the team chosen."""
    extension, team = call.state.get("extension"), call.state.get("team")
    if extension is not None:
        return [agent for agent in agents if agent.extension == extension]
    return [agent for agent in agents if agent.team == team]


async def _ring(call: Call, line: Line, agent: AgentSettings) -> Channel | None:
    """The agent's leg once it is answered; None if it is not. No leg is left behind else."""
    seconds = line.settings.pbx.ring_seconds
    await call.lease.cover(seconds)
    leg = line.ari.channel(new_id("c"))
    events: Events[Event] = line.ari.listen(channels=[call.id, leg.id])
    with events:
        try:
            await line.ari.channels.originate(
                endpoint=f"PJSIP/{agent.extension}",
                channel_id=leg.id,
                app=line.ari.application,
                app_args=AGENT_LEG,
                caller_id=shown_number(call),
                originator=call.id,
                timeout=seconds,
            )
        except AriError as error:
            log.warning("agent cannot be rung", agent=agent.extension, error=str(error))
            return None
        line.journal.note(call, "agent.rung", agent=agent.extension)
        answered = False
        try:
            while (event := await events.get(seconds + RING_GRACE_SECONDS)) is not None:
                if event.final and call.id in event.channel_ids():
                    raise HungUp(call.id)
                if isinstance(event, StasisStart) and event.channel.id == leg.id:
                    answered = True
                    return leg
                if isinstance(event, ChannelDestroyed) and event.channel.id == leg.id:
                    return None
            return None
        finally:
            if not answered:
                await hang_up(leg)


async def hang_up(leg: Channel) -> None:
    """End a leg that may be gone already."""
    with contextlib.suppress(NotFound):
        await leg.hangup()


def shown_number(call: Call) -> str:
    """What the agent's phone shows: digits only, nothing a caller could choose freely."""
    digits = "".join(c for c in call.caller_id if c in "0123456789")
    return digits[:20] or "anonymous"


@contextlib.asynccontextmanager
async def _music(call: Call) -> AsyncIterator[None]:
    await call.channel.start_moh()
    try:
        yield
    finally:
        with contextlib.suppress(NotFound):
            await call.channel.stop_moh()
