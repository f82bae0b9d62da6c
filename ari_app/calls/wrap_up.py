"""The caller is gone or served: make the ticket that the call calls for, end the journal."""

import structlog

from ari_app.ari import ApplicationReplaced, AriError, ChannelGone, NotFound
from ari_app.calls.call import Call, Stage
from ari_app.calls.digests import digest_call
from ari_app.calls.line import Line
from ari_app.calls.repeat.settling import settle
from ari_app.calls.talk.keeping import finish_chores, keep_recordings, take_down
from ari_app.settings import Settings
from desk.errors import DatabaseError
from desk.tickets import NewTicket

log = structlog.get_logger()


async def wrap_up(call: Call, line: Line) -> Stage:
    """Stage WRAP_UP. Needs no channel: it runs after a hang-up too. Where the caller has not hung
    up we do so first: the desk may keep us waiting.
    """
    if call.end_cause == "completed":
        await _hang_up(call)
    await take_down(call, line)
    await settle(call, line)
    if call.chores or call.pieces:
        await _keep_talks(call, line)
    await line.journal.finish(call, ticket_for(call, line.settings))
    if call.message is not None or call.talked:
        line.transcriptions.wake()
    return Stage.ENDED


async def _keep_talks(call: Call, line: Line) -> None:
    """The ticket first, for people wait for it; then what is kept of the talks."""
    ticket = ticket_for(call, line.settings)
    if ticket is not None:
        await line.journal.keep_message(call, ticket)
    await finish_chores(call)
    await keep_recordings(call, line)
    await line.journal.flush()
    try:
        await digest_call(line.db, call.id, line.now())
    except DatabaseError as error:
        log.warning("no digest of this call", call=call.id, error=str(error))


async def _hang_up(call: Call) -> None:
    try:
        await call.channel.hangup()
    except (NotFound, ChannelGone):
        call.end_cause = "hangup"  # the caller was faster
    except ApplicationReplaced:
        raise  # the call is another process's from now on
    except AriError as error:
        log.warning("call not hung up; its lease will end it", call=call.id, error=str(error))


def ticket_for(call: Call, settings: Settings) -> NewTicket | None:
    """The ticket that this call must leave behind, or None.

    In this order: what the caller chose in the menu (or silence and wrong keys chose, if there is
    a message); a call-back that was promised, or a message, that the desk could not take at once; a
    call from an area code whose calls always become tickets; a caller who hung up, or whom we
    failed, before being served.
    """
    if call.ticket_id is not None:
        return None
    choice = call.choice
    if choice is not None and choice.ticket is not None and (choice.key or call.message):
        return new_ticket(call, settings, choice.ticket)
    if call.state.get("promised"):
        return new_ticket(call, settings, "callback")
    if call.message is not None:
        return new_ticket(call, settings, "message")
    if call.talked and settings.tickets.talked:
        return new_ticket(call, settings, "call")
    if call.caller is not None and call.caller.area_code in settings.tickets.area_codes:
        return new_ticket(call, settings, "call" if call.served else "abandoned")
    if not call.served and settings.tickets.abandoned:
        return new_ticket(call, settings, "abandoned")
    return None


def new_ticket(call: Call, settings: Settings, kind: str) -> NewTicket:
    """A ticket of type `kind` with everything this call knows of caller and matter."""
    caller = call.caller
    place = (caller.city or caller.province) if caller is not None else ""
    label = call.choice.label if call.choice is not None else ""
    name = settings.tickets.types.get(kind, kind)
    return NewTicket(
        type=kind,
        subject=" ".join(part for part in (place, label or name) if part),
        call_id=call.id,
        caller=caller,
        customer_ids=tuple(customer.id for customer in call.customers),
        labels=(f"地区:{place}",) if place else (),
    )
