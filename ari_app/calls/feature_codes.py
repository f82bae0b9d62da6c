"""Feature codes: an agent says by telephone that he is ready or away (*70, *71, *72)."""

import contextlib
from collections.abc import Callable, Mapping

import structlog

from ari_app.ari import AriError, ChannelGone, NotFound, StasisStart
from ari_app.calls.line import Line
from ari_app.queue import AgentState, NoSuchAgent, Queue

log = structlog.get_logger()

READY, AWAY, INVALID = "agent_ready", "agent_away", "invalid"  # prompts
BY_PHONE = "phone"  # the reason that is kept
GRACE_SECONDS = 5.0  # how much later than computed a prompt may end


def _ready(queue: Queue, extension: str) -> str:
    queue.set_state(extension, AgentState.READY, BY_PHONE)
    return READY


def _away(queue: Queue, extension: str) -> str:
    queue.set_state(extension, AgentState.AWAY, BY_PHONE)
    return AWAY


def _end_wrap_up(queue: Queue, extension: str) -> str:
    """Who is away stays away: only *70 ends a break."""
    state = queue.standing(extension).state
    if state not in (AgentState.WRAP_UP, AgentState.READY):
        return INVALID
    return _ready(queue, extension)


CODES: Mapping[str, Callable[[Queue, str], str]] = {
    "*70": _ready,
    "*71": _away,
    "*72": _end_wrap_up,
}
"""What each code does to the agent; the prompt that says so."""


async def feature_code(line: Line, start: StasisStart) -> None:
    """Serve one call to a feature code: `Stasis(application,feature,<code>,<endpoint>)`.

    The state is set before anything is heard: an agent may hang up at once. Anything else that
    was dialled, or by a telephone that is no agent's, hears that it is not valid.
    """
    code, extension = (*start.args, "", "", "")[1:3]
    channel = line.ari.channel(start.channel.id)
    try:
        prompt = _obey(line.queue, code, extension)
        await channel.answer()
        playback = await channel.play(line.prompts.media(prompt))
        await playback.finished(line.prompts.seconds(prompt) + GRACE_SECONDS)
    except (ChannelGone, NotFound):
        pass  # the agent hung up: nothing is left to say
    except AriError as error:
        log.warning("agent did not hear the answer", code=code, agent=extension, error=str(error))
    finally:
        with contextlib.suppress(AriError):  # gone, or Asterisk is: the lease ends the call then
            await channel.hangup()


def _obey(queue: Queue, code: str, extension: str) -> str:
    obey = CODES.get(code)
    if obey is None:
        return INVALID
    try:
        return obey(queue, extension)
    except NoSuchAgent as error:
        log.warning("feature code of no agent", code=code, why=str(error))
        return INVALID
