"""A waiting caller asks to be called back, keeps the place, and hangs up."""

from datetime import datetime

import structlog

from ari_app.callback_settings import CallbackSettings
from ari_app.calls.call import Call, Stage
from ari_app.calls.line import Line
from ari_app.calls.sound import play
from ari_app.calls.talk.talk_records import callback_requested
from ari_app.calls.wrap_up import new_ticket
from desk.callbacks import NewCallback
from desk.errors import DatabaseError
from desk.region import Caller

log = structlog.get_logger()

TICKET = "callback"  # the type, unless the menu's choice has one
PROMISED = "promised"  # in the call's state, and in the journal, before anything else is done


def dial_string(caller: Caller | None, settings: CallbackSettings) -> str | None:
    """What to dial to reach a caller: the national number of a Chinese land line or mobile.

    None: no call-back. The number is withheld, foreign or a service (95…, 400…), or
    `allowed_prefixes` does not have it.
    """
    if caller is None or caller.kind not in ("landline", "mobile"):
        return None
    national = caller.e164.removeprefix("+86")
    if national == caller.e164 or not (national.isascii() and national.isdigit()):
        return None
    number = national if caller.kind == "mobile" else f"0{national}"
    return number if number.startswith(tuple(settings.allowed_prefixes)) else None


def can_ask(call: Call, line: Line) -> bool:
    """Whether this caller is offered a call-back; who was just called back is not."""
    settings = line.settings
    return (
        settings.callback.trunk is not None
        and settings.queue.callback_key is not None
        and "callback" not in call.state
        and dial_string(call.caller, settings.callback) is not None
    )


async def promise(call: Call, line: Line, priority: int) -> Stage:
    """Keep the caller's wish and say so, with the number; returns the stage that follows.

    A crash at any moment, or a hang-up, leaves either a caller who waits or a wish that is kept:
    the journal knows first that it was promised, and a resumed call comes here again.

    Raises:
        HungUp: the caller did not wait for the prompt's end; the wish is kept.
    """
    number = dial_string(call.caller, line.settings.callback)
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
