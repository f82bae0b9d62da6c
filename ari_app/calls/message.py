"""The caller tells the matter after the tone: recording, ticket, and its number read back."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import structlog

from ari_app.ari import AriError, NotFound
from ari_app.calls.call import Call, HungUp, Stage
from ari_app.calls.line import Line
from ari_app.calls.sound import play, record, recorded
from ari_app.calls.vault import NothingSaid
from ari_app.calls.wrap_up import new_ticket
from desk import recordings
from desk.errors import DatabaseError
from desk.recordings import StoreError
from desk.tickets import NewTicket, Ticket

log = structlog.get_logger()

DEFAULT_TYPE = "message"
SILENT = "留言:没有声音"  # the label of such a ticket
LOOK_UP_SECONDS = 0.5


async def message(call: Call, line: Line) -> Stage:
    """Stage MESSAGE. What was said before a hang-up is kept as well, and what a caller was telling
    when a former process ended: Asterisk went on recording. A caller who says nothing hears so.
    """
    name = name_of(call)
    try:
        if not (call.resumed and await _told_before(call, line, name)):
            await play(call, line, call.state["prompt"])
            await record(call, name, line.settings.speech)
    except HungUp:
        with contextlib.suppress(NothingSaid):  # the wrap-up says what becomes of the call
            await _keep(call, line, name)
        raise
    try:
        ticket = await _keep(call, line, name)
    except NothingSaid:
        await _open_silent(call, line)
        await play(call, line, "unheard", "thanks")
        return Stage.WRAP_UP
    call.served = call.message is not None
    if ticket is not None:
        await play(call, line, "recorded", "thanks", number=ticket.number)
    else:
        await play(call, line, "thanks")  # the desk is slow: the wrap-up opens the ticket
    return Stage.WRAP_UP


def name_of(call: Call) -> str:
    """What Asterisk calls the message's recording."""
    return f"message-{call.id}"


def piece_of(call: Call, line: Line) -> dict[str, Any]:
    """The message as something that the wrap-up is to keep, if there is one."""
    return {
        "kind": "message",
        "name": name_of(call),
        "party": "caller",
        "leg": "",
        "since": line.now().isoformat(),
        "pauses": [],
        "live": False,
    }


async def _told_before(call: Call, line: Line, name: str) -> bool:
    """Whether a former process has begun to record this message; then it is over now."""
    call.resumed = False
    try:
        await line.ari.recordings.live(name).get()
    except NotFound:
        pass
    else:
        await recorded(call, name, line.settings.speech)
        return True
    try:
        await line.ari.recordings.stored(name).get()
    except NotFound:
        return await _is_in_desk(call, line, name)
    return True


async def _is_in_desk(call: Call, line: Line, name: str) -> bool:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            kept = await line.db.read(recordings.of_call, call.id)
    except (DatabaseError, TimeoutError):
        return False
    return any(one.name == name for one in kept)


async def _keep(call: Call, line: Line, name: str) -> Ticket | None:
    """Bring the recording into our own store and open the ticket, in this order.

    Raises:
        NothingSaid: there is nothing to be kept.
    """
    try:
        call.message = await line.vault.fetch(line.ari, call.id, name)
    except NothingSaid:
        with contextlib.suppress(AriError):  # an empty file more in Asterisk's spool
            await line.vault.forget(line.ari, name)
        raise
    except NotFound:
        return None  # hung up before the tone
    except (AriError, StoreError) as error:
        log.error("message not kept yet", call=call.id, error=str(error))
        call.pieces.append(piece_of(call, line))  # the wrap-up tries on
        return None
    ticket = await line.journal.keep_message(call, _new_ticket(call, line))
    if ticket is not None:
        await line.vault.forget(line.ari, name)  # ours is on the disk and in the desk
        line.transcriptions.wake()
    return ticket


async def _open_silent(call: Call, line: Line) -> None:
    """Who waits through the tone wants something: the ticket of a caller who said nothing."""
    new = _new_ticket(call, line)
    await line.journal.keep_message(call, replace(new, labels=(*new.labels, SILENT)))


def _new_ticket(call: Call, line: Line) -> NewTicket:
    kind = (call.choice.ticket if call.choice else None) or DEFAULT_TYPE
    return new_ticket(call, line.settings, kind)
