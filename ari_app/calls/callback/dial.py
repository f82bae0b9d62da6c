"""One attempt: the customer's telephone rings, and an agent waits on the telephone, or nobody.

The customer is dialled into the dialplan (context `huisheng-callback`), not straight into the
application: so the channel has a dialplan to go back to, like any caller's, where we are gone.
"""

import contextlib

import structlog

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    Channel,
    ChannelDestroyed,
    Closed,
    Dial,
    Event,
    Events,
    NotFound,
    StasisStart,
)
from ari_app.calls.call import Call
from ari_app.calls.callback import records as outcome
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.talk.legs import LONE_SECONDS, hang_up

log = structlog.get_logger()

CONTEXT = "huisheng-callback"
AGENT_PROMPT, FAILED_PROMPT = "callback_agent", "callback_failed"
GRACE_SECONDS = 5.0
WHY = {1: "no_such_number", 28: "no_such_number", 17: "busy", 21: "rejected"}
"""Why a customer was not reached, by the Q.850 cause."""
UNANSWERED = frozenset({0, 16, 18, 19, 20, 127})
RANG = frozenset({"RINGING", "PROGRESS"})


async def tell(line: Line, leg: Channel, prompt: str) -> bool:
    """Play a prompt to the agent, to its end. False: the agent is gone."""
    seconds = line.prompts.seconds(prompt) + GRACE_SECONDS
    try:
        playback = await leg.play([line.prompts.media(prompt)])
        await playback.finished(seconds)
    except (ApplicationReplaced, Closed):
        raise
    except AriError as error:
        log.info("agent did not hear the prompt", prompt=prompt, error=str(error))
        return await _exists(leg)
    return True


async def dial(
    line: Line,
    board: Switchboard,
    call: Call,
    leg: Channel | None,
    ring_seconds: int,
    context: str = CONTEXT,
) -> str:
    """Ring the customer, who is then served by a coroutine of the switchboard: `answered`. Else
    why not, and the channel is gone.

    Args:
        leg: of the agent who waits; None: nobody does.
    """
    why = outcome.LOST
    board.expect(call)
    try:
        why = await _ring(line, board, call, leg, ring_seconds, context)
    except (ApplicationReplaced, Closed):
        raise
    except AriError as error:
        log.warning("customer cannot be rung", call=call.id, error=str(error))
        left = leg is not None and not await _exists(leg)
        why = outcome.AGENT_LEFT if left else outcome.TRUNK
    finally:
        taken = not board.forget(call)  # perhaps in the very moment when we gave up
        if not taken and not board.leaving:
            await hang_up(call.channel)
    return outcome.ANSWERED if taken else why


async def _ring(
    line: Line,
    board: Switchboard,
    call: Call,
    leg: Channel | None,
    ring_seconds: int,
    context: str,
) -> str:
    source = f"channel:{call.id}"
    heard = [call.id] if leg is None else [call.id, leg.id]
    events: Events[Event] = line.ari.listen(channels=heard)
    with events:
        if leg is not None:
            await wait_for_customer(leg, ring_seconds)
            await leg.ring()
        await line.ari.channels.originate(
            f"PJSIP/{call.dialled}@{line.settings.outbound.trunk}",
            channel_id=call.id,
            context=context,
            extension=call.dialled,
            priority=1,
            caller_id=shown_to_customers(line),
            timeout=ring_seconds,
        )
        # Of a channel on its way into the dialplan Asterisk tells nothing unless it is asked to.
        await line.ari.applications.subscribe(line.ari.application, source)
        rang = False
        seconds = ring_seconds + GRACE_SECONDS
        while (event := await events.get(seconds)) is not None:
            if isinstance(event, StasisStart):
                board.connect(event.channel)
                with contextlib.suppress(AriError):  # it is told of it anyhow from now on
                    await line.ari.applications.unsubscribe(line.ari.application, source)
                return outcome.ANSWERED
            if leg is not None and event.final and leg.id in event.channel_ids():
                return outcome.AGENT_LEFT
            if isinstance(event, Dial):
                rang = rang or event.dialstatus in RANG
            elif isinstance(event, ChannelDestroyed):
                return why_not(event, rang)
    return "no_answer"


def shown_to_customers(line: Line) -> str:
    """The number that a customer sees whom we call."""
    return line.settings.outbound.shown_number or line.settings.pbx.line_numbers[0]


def why_not(event: ChannelDestroyed, rang: bool) -> str:
    """Why a customer was not reached; `trunk` where no telephone has rung, nor said that it is
    busy or that it will not be disturbed.
    """
    if event.cause in WHY:
        return WHY[event.cause]
    rang = rang or event.channel.state == "Ringing"
    return "no_answer" if rang and event.cause in UNANSWERED else outcome.TRUNK


async def wait_for_customer(leg: Channel, seconds: float) -> None:
    """A leg that nobody leads on ends by itself; this one may wait for the customer."""
    await leg.get_variable(f"SET(TIMEOUT(absolute)={int(seconds) + 2 * LONE_SECONDS})")


async def _exists(leg: Channel) -> bool:
    try:
        await leg.get()
    except NotFound:
        return False
    return True
