"""Caller and agent talk: in a bridge that lives exactly as long as both are in it."""

import contextlib
from collections.abc import AsyncIterator

from ari_app.ari import Bridge, Event, Events, NotFound, new_id
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.connect import hang_up
from ari_app.calls.line import Line
from ari_app.calls.sound import play

LOOK_SECONDS = 3600.0  # a talk has no limit; the wait for its next event has one


async def talk(call: Call, line: Line) -> Stage:
    """Stage TALK. Ends when either side hangs up; a caller who stays hears goodbye."""
    leg = line.ari.channel(call.state["leg"])
    agent = call.state["agent"]
    events: Events[Event] = line.ari.listen(channels=[call.id, leg.id])
    with events:
        try:
            # No limit from before the agent joins: it would tear the caller out of the talk.
            await call.lease.suspend()
            async with _bridge(line) as bridge:
                # The agent's own number is nothing that a carrier should be told.
                await bridge.add_channel(call.channel, leg, inhibit_connected_line_updates=True)
                call.served = True
                line.journal.note(call, "agent.answered", agent=agent)
                while True:
                    event = await events.get(LOOK_SECONDS)
                    if event is None or not event.final:
                        continue
                    if call.id in event.channel_ids():
                        raise HungUp(call.id)
                    break
        finally:
            await hang_up(leg)
            line.journal.note(call, "agent.left", agent=agent)
    await call.lease.restore()
    await play(call, line, "goodbye")
    return Stage.WRAP_UP


@contextlib.asynccontextmanager
async def _bridge(line: Line) -> AsyncIterator[Bridge]:
    bridge = await line.ari.bridges.create(type="mixing,dtmf_events", bridge_id=new_id("b"))
    try:
        yield bridge
    finally:
        with contextlib.suppress(NotFound):
            await bridge.destroy()
