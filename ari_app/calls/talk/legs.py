"""Legs to agents' telephones: rung, armed against our own death, hung up.

An armed leg has a hang-up handler in the dialplan (context `huisheng-agent-gone`): when the leg
ends and the caller is left alone, the dialplan takes the caller out of the talk, plays music, puts
the lease back and offers the caller to the application again. So nobody is left in a dead bridge,
whether this process lives, is frozen or is gone; see asterisk_conf/templates/dialplan.inc.j2.
"""

import contextlib

import structlog

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    Channel,
    ChannelDestroyed,
    ChannelGone,
    Closed,
    Event,
    Events,
    NotFound,
    StasisStart,
    new_id,
)
from ari_app.calls.call import Call
from ari_app.calls.line import Line

log = structlog.get_logger()

LEG = "leg"  # the first argument of a leg's StasisStart
HANDLER = "huisheng-agent-gone,s,1"
RING_GRACE_SECONDS = 5.0
LONE_SECONDS = 15  # for which an answered leg may be without anybody
WHY = {
    17: "busy",
    21: "rejected",
    0: "no_answer",
    16: "no_answer",
    18: "no_answer",
    19: "no_answer",
}
"""Why a leg was not answered, by its Q.850 cause; any other: unreachable."""


async def dial(line: Line, call: Call, extension: str, leg_id: str, *, armed: bool) -> Channel:
    """Begin to ring an agent; the leg's events tell the rest.

    Args:
        armed: from the first moment on; else from `arm` on.

    Raises:
        AriError: it cannot be rung.
    """
    return await line.ari.channels.originate(
        endpoint=f"PJSIP/{extension}",
        channel_id=leg_id,
        app=line.ari.application,
        app_args=LEG,
        caller_id=shown_number(call.caller_id),
        originator=call.id if call.channel_name else None,  # a call-back has no channel yet
        timeout=line.settings.pbx.ring_seconds,
        variables={
            "CHANNEL(hangup_handler_push)": HANDLER,
            "HUISHENG_CALLER": call.channel_name if armed else "",
            "HUISHENG_LINE": call.dialled,
            # Ringing included: a leg that nobody leads on, because we died, ends by itself.
            "TIMEOUT(absolute)": str(line.settings.pbx.ring_seconds + LONE_SECONDS),
        },
    )


async def ring(line: Line, call: Call, extension: str) -> tuple[Channel | None, str]:
    """(the agent's leg once it is answered, "") or (None, why not): no_answer, busy, rejected,
    unreachable. No leg is left behind that was not answered, whatever ends the wait.
    """
    leg = line.ari.channel(new_id("c"))
    events: Events[Event] = line.ari.listen(channels=[leg.id])
    answered = False
    with events:
        try:
            call.armed = True
            await dial(line, call, extension, leg.id, armed=True)
            seconds = line.settings.pbx.ring_seconds + RING_GRACE_SECONDS
            while (event := await events.get(seconds)) is not None:
                if isinstance(event, StasisStart):
                    answered = True
                    return leg, ""
                if isinstance(event, ChannelDestroyed):
                    return None, why_not(event)
            return None, "no_answer"
        except ChannelGone:
            return None, "no_answer"
        except (ApplicationReplaced, Closed):
            raise
        except AriError as error:
            log.warning("agent cannot be rung", agent=extension, error=str(error))
            return None, "unreachable"
        finally:
            if not answered:
                await let_go(leg)  # it may just be being answered


def why_not(event: ChannelDestroyed) -> str:
    """Why a leg was not answered."""
    return WHY.get(event.cause, "unreachable")


async def arm(call: Call, leg: Channel) -> None:
    """Let the dialplan look after the caller when this leg ends. Before the leg joins."""
    call.armed = True
    # Read, not written: a variable that is POSTed waits for what plays on the channel, and takes
    # the channel's right to functions that reach outside (measured; see dialplan.inc.j2).
    await leg.get_variable(f"SET(HUISHENG_CALLER={call.channel_name})")


async def settle(leg: Channel) -> None:
    """No limit any more: the leg is with somebody, whose hanging up ends it."""
    await leg.get_variable("SET(TIMEOUT(absolute)=0)")


async def disarm(leg: Channel) -> None:
    """We look after the caller ourselves: the leg ends without the dialplan's doing."""
    with contextlib.suppress(NotFound):
        await leg.get_variable("SET(HUISHENG_CALLER=)")


async def hang_up(leg: Channel) -> None:
    """End a leg that may be gone already."""
    with contextlib.suppress(NotFound):
        await leg.hangup()


async def let_go(leg: Channel) -> None:
    """End a leg and send its caller nowhere. What fails is told to operators: a leg that nobody
    leads ends by its own limit.
    """
    for end in (disarm, hang_up):  # the second even where the first fails
        try:
            await end(leg)
        except AriError as error:
            log.warning("leg not hung up", leg=leg.id, error=str(error))


def shown_number(caller_id: str) -> str:
    """What the agent's phone shows: digits only, nothing a caller could choose freely."""
    digits = "".join(c for c in caller_id if c in "0123456789")
    return digits[:20] or "anonymous"
