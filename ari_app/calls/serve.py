"""The story of one call, top to bottom: each stage is a small coroutine that names the next."""

from collections.abc import Awaitable, Callable

import structlog

from ari_app.ari import (
    ApplicationReplaced,
    AriError,
    ChannelGone,
    Closed,
    Conflict,
    NotFound,
    NotInApplication,
)
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.callback.called_back import called_back
from ari_app.calls.line import Line
from ari_app.calls.menu import menu
from ari_app.calls.message import message
from ari_app.calls.outbound.confirm import confirm
from ari_app.calls.queue import queue
from ari_app.calls.repeat.repeat import repeat
from ari_app.calls.survey import survey
from ari_app.calls.talk.keeping import take_down
from ari_app.calls.talk.talk import talk
from ari_app.calls.welcome import welcome
from ari_app.calls.wrap_up import wrap_up

log = structlog.get_logger()

STAGES: dict[Stage, Callable[[Call, Line], Awaitable[Stage]]] = {
    Stage.WELCOME: welcome,
    Stage.REPEAT: repeat,
    Stage.MENU: menu,
    Stage.QUEUE: queue,
    Stage.TALK: talk,
    Stage.MESSAGE: message,
    Stage.CALLBACK: called_back,
    Stage.CONFIRM: confirm,
    Stage.SURVEY: survey,
    Stage.WRAP_UP: wrap_up,
}


async def serve(call: Call, line: Line) -> None:
    """Lead one caller from ring to ticket, starting at the stage the journal names."""
    stage = call.stage
    while stage is not Stage.ENDED:
        call.stage = stage
        await line.journal.enter(call)  # a crash from here on re-enters this stage
        try:
            stage = await STAGES[stage](call, line)
        except Exception as error:
            if stage is Stage.WRAP_UP or isinstance(error, ApplicationReplaced):
                raise  # the switchboard's; or the call is another process's from now on
            if await is_gone(call, error):
                if await is_back(call):
                    if stage is Stage.TALK:  # with an agent who was gone at once; or it was over
                        stage = Stage.QUEUE if "talk" in call.state else Stage.WRAP_UP
                        await take_down(call, line)
                    continue
                stage = Stage.WRAP_UP
                call.end_cause = "hangup"
                continue
            stage = Stage.WRAP_UP
            # A fault of ours must not cost the caller the call: the dialplan serves on, and the
            # wrap-up still makes the ticket.
            log.exception("stage failed", call=call.id, stage=call.stage)
            call.end_cause = "fault"
            await hand_to_dialplan(call)


async def is_gone(call: Call, error: Exception) -> bool:
    """Whether `error` says that the caller hung up: the exception, or a request that came late."""
    if isinstance(error, HungUp | ChannelGone):
        return True
    late = isinstance(error, NotFound | NotInApplication | Conflict)
    if late and isinstance(error, AriError) and error.ids.get("channel_id") == call.id:
        return True
    return isinstance(error, AriError) and await call.is_ending()


async def is_back(call: Call) -> bool:
    """Whether the caller went by way of the dialplan only: an agent who had just answered was gone
    at once. The stage begins again.
    """
    try:
        if await call.is_with_dialplan():
            await call.comes_back()
            return True
    except HungUp:
        pass
    except (ApplicationReplaced, Closed):
        raise
    except AriError as error:  # whoever comes back is served by the dialplan then
        log.warning("caller taken for gone", call=call.id, error=str(error))
    return False


async def hand_to_dialplan(call: Call) -> None:
    """Let the dialplan serve this caller alone (queue or message), as when we are down. Whom we
    called to ask something is not kept: he is called again.
    """
    try:
        if "confirm" in call.state and call.stage in (Stage.CONFIRM, Stage.SURVEY, Stage.WRAP_UP):
            await call.channel.hangup()
            return
        await call.channel.continue_in_dialplan(
            context="huisheng-fallback", extension="s", priority=1
        )
    except (NotFound, ApplicationReplaced):
        pass  # the caller hung up meanwhile, or is another process's to serve now
    except Exception:
        log.exception("caller could not be handed to the dialplan", call=call.id)
