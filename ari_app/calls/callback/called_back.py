"""The customer has answered our call: who calls, the notice of the recording, then the agent."""

import contextlib
from collections.abc import Mapping
from typing import Any

import structlog

from ari_app.ari import AriError, NotFound
from ari_app.ari.ids import new_id
from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.outbound.outbound_records import attempt_answered, attempt_consented
from ari_app.calls.sound import play
from ari_app.calls.talk.consent import ask_consent
from ari_app.calls.talk.conversation import Conversation, Leg
from ari_app.calls.talk.legs import LONE_SECONDS, arm, disarm, hang_up

log = structlog.get_logger()

GREETING, BY_AGENT_GREETING = "callback_greeting", "outbound_greeting"


def place_of(callback_id: int) -> str:
    """How the queue knows a request that waits for an agent; so does the agent's state."""
    return f"callback-{callback_id}"


def place_in(state: Mapping[str, Any]) -> str:
    """Likewise, by the state of the call that we placed."""
    return place_of(state["callback"]) if "callback" in state else f"outbound-{state['outbound']}"


def greeting_of(call: Call) -> str:
    """What the customer hears first."""
    return GREETING if "callback" in call.state else BY_AGENT_GREETING


def with_agent(leg_id: str, extension: str) -> Conversation:
    """The talk to be, with an agent who waits for the customer."""
    legs = {leg_id: Leg(leg_id, extension, "agent")}
    return Conversation(bridge=new_id("b"), legs=legs)


async def called_back(call: Call, line: Line) -> Stage:
    """Stage CALLBACK. Where the agent has left meanwhile, or a former process had rung the
    customer, the next free agent takes the call: nobody has waited longer.
    """
    call.resumed = False
    try:
        waits = await _hold_agent(call, line)
        if not call.state.get("greeted"):
            line.journal.record(call, attempt_answered(call.id))
            await play(call, line, greeting_of(call))
            call.state["greeted"] = True
        await ask_consent(call, line)
        if call.recorded != "off":
            refused = call.recorded == "refused"
            told = attempt_consented(call.id, "refused" if refused else "told")
            line.journal.record(call, told)
        if not waits:
            return Stage.QUEUE
        talk = Conversation.restore(call.state["talk"])
        talk.recorded = call.recorded
        call.state["talk"] = talk.as_state()
        for leg in talk.agents():
            with contextlib.suppress(NotFound):  # gone this moment: the talk finds out
                await line.ari.channel(leg.id).ring_stop()
    except Exception:
        await _let_go(call, line)
        raise
    return Stage.TALK


async def _hold_agent(call: Call, line: Line) -> bool:
    """Let the dialplan look after the customer if the agent hangs up now; False: is gone already,
    and the customer waits with music.
    """
    talk = Conversation.restore(call.state["talk"]) if "talk" in call.state else None
    for leg in talk.agents() if talk is not None else ():
        channel = line.ari.channel(leg.id)
        try:
            await arm(call, channel)
            seconds = line.prompts.seconds(greeting_of(call)) + 2 * LONE_SECONDS
            await channel.get_variable(f"SET(TIMEOUT(absolute)={int(seconds)})")
        except NotFound:
            continue
        line.queue.busy(leg.extension, call.id)
        return True
    await _let_go(call, line)
    return False


async def _let_go(call: Call, line: Line) -> None:
    """The agent waits no longer."""
    if "talk" not in call.state:
        return
    talk = Conversation.restore(call.state.pop("talk"))
    for leg in talk.agents():
        channel = line.ari.channel(leg.id)
        try:
            await disarm(channel)
            await hang_up(channel)
        except AriError as error:
            log.warning("leg not hung up", call=call.id, leg=leg.id, error=str(error))
        line.queue.free(leg.extension, call.id)
        line.queue.free(leg.extension, place_in(call.state))
