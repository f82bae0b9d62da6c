"""A waiting caller asks to be called back, keeps the place, and hangs up."""

from datetime import datetime

import structlog

from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.sound import play
from ari_app.calls.talk.talk_records import callback_requested
from ari_app.calls.wrap_up import new_ticket
from desk.callbacks import NewCallback
from desk.errors import DatabaseError
from desk.outbound.numbers import dial_string

log = structlog.get_logger()

TICKET = "callback"  # the type, unless the menu's choice has one
PROMISED = "promised"  # in the call's state, and in the journal, before anything else is done


def can_ask(call: Call, line: Line) -> bool:
    """Whether this caller is offered a call-back; who was just called back is not."""
    settings = line.settings
    return (
        settings.outbound.trunk is not None
        and settings.queue.callback_key is not None
        and not call.state.keys() & {"callback", "outbound", "confirm"}
        and dial_string(call.caller, settings.outbound.limits) is not None
    )


async def promise(call: Call, line: Line, priority: int) -> Stage:
    """Keep the caller's wish and say so, with the number; returns the stage that follows.

    A crash at any moment, or a hang-up, leaves either a caller who waits or a wish that is kept:
    the journal knows first that it was promised, and a resumed call comes here again.

    Raises:
        HungUp: the caller did not wait for the prompt's end; the wish is kept.
    """
    number = dial_string(call.caller, line.settings.outbound.limits)
    if number is None:  # the settings have changed since
        return Stage.MESSAGE
    call.state[PROMISED] = True
    await line.journal.enter(call)
    kind = (call.choice.ticket if call.choice is not None else None) or TICKET
    await line.journal.keep_message(call, new_ticket(call, line.settings, kind))
    request = NewCallback(
        call_id=call.id,
        number=number,
        need=call.state["need"],
        since=datetime.fromisoformat(call.state["since"]),
        priority=priority,
    )
    try:
        await line.journal.recorded(call, callback_requested(request))
    except DatabaseError as error:
        log.error("call-back not recorded: a message instead", call=call.id, error=str(error))
        del call.state[PROMISED]
        return Stage.MESSAGE
    call.served = True
    line.callback_wanted.set()
    await play(call, line, "callback", "goodbye", number=number)
    return Stage.WRAP_UP
