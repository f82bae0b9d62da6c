"""`leave_message[,TYPE]`: record what the caller says and make it a ticket.

The call is in the journal, with the file's name, before the tone; so a message that was recorded
while we died becomes a ticket at the next start.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from agi_scripts.protocol import Request, harmless
from agi_scripts.script import Script, Services
from agi_scripts.session import Disconnected, Session
from desk import customers, journal, recordings, tickets
from desk.journal import Call, NewCall
from desk.recordings import NewRecording
from desk.region import locate
from desk.tickets import NewTicket, Ticket
from stt.errors import AudioError
from stt.repair import repair_wav

log = structlog.get_logger()

STAGE = "agi_message"
DEFAULT_TYPE = "message"
SHORTEST_SECONDS = 0.3  # less is a click, no message
QUIET_SECONDS = 10.0  # a file that has not grown for so long is finished
_HEADER_BYTES = 44
_BYTES_PER_SECOND = 16_000  # what Asterisk calls wav: 8 kHz, 16 bits, one channel
_DESK_SECONDS = 30.0  # the desk may be busy; a message waits for it


async def run(session: Session, services: Services) -> None:
    """Record a message; set HS_TICKET_NUMBER and HS_MESSAGE_SECONDS."""
    kind = _ticket_type(session, services)
    name = f"agi-{re.sub('[^0-9A-Za-z._-]', '_', session.request.call_id)[:100]}-{uuid4().hex[:8]}"
    path = services.recordings / f"{name}.wav"
    await asyncio.to_thread(services.recordings.mkdir, mode=0o700, parents=True, exist_ok=True)
    state = {"name": name, "path": str(path), "type": kind, "host": socket.gethostname()}
    ours = await services.db.write(_begin, session.request, services, state)
    try:
        await session.answer()
        await session.record(
            str(path.with_suffix("")),
            seconds=services.message_seconds,
            silence_seconds=services.silence_seconds,
        )
    except Disconnected:
        session.hung_up = True
    kept = await _keep(services, session.request.call_id, state, end=ours)
    values = {
        "HS_TICKET_NUMBER": kept[0].number if kept else "",
        "HS_MESSAGE_SECONDS": str(round(kept[1].seconds)) if kept else "0",
        "HS_RESULT": "OK" if kept else "NO_MESSAGE",
    }
    await session.set_variables(values)


async def recover(services: Services, before: datetime) -> bool:
    """Make tickets of messages whose process died. False while one may still be growing."""
    done = True
    for call in await services.db.read(journal.unfinished):
        if call.stage != STAGE or call.stage_at >= before:
            continue
        if call.state.get("host") != socket.gethostname():
            continue
        path = Path(call.state["path"])
        age = await asyncio.to_thread(_seconds_unchanged, path, services.now().timestamp())
        longest = timedelta(seconds=services.message_seconds + 2 * QUIET_SECONDS)
        if age is None and services.now() - call.stage_at < longest:
            done = False  # the tone may be to come
        elif age is not None and age < QUIET_SECONDS:
            done = False
        elif await _keep(services, call.id, call.state, end=True) is not None:
            log.info("a message of a former process became a ticket", call=call.id)
    return done


async def _keep(
    services: Services, call_id: str, state: Any, *, end: bool
) -> tuple[Ticket, NewRecording] | None:
    """Bring a finished file into the desk: recording, ticket and, if `end`, the call's end."""
    path = Path(state["path"])
    measured = await asyncio.to_thread(_measured, path)
    if measured is None:
        if end:
            await services.db.write(journal.end, call_id, "no message", services.now())
        return None
    seconds, sha256 = measured
    new = NewRecording(call_id, state["name"], str(path), seconds, sha256)
    ticket = await services.db.write(_file, services, new, state["type"], end)
    return ticket, new


def _begin(db: Connection, request: Request, services: Services, state: dict[str, str]) -> bool:
    """Journal a call that is not there yet; whether it was so, and so is ours to end."""
    if journal.get(db, request.call_id) is not None:
        return False
    caller = locate(request.caller_id, services.home_area_code, table=services.table)
    found = tuple(customer.id for customer in customers.find_by_number(db, caller.e164))
    now = services.now()
    call = NewCall(request.call_id, request.dialled, request.caller_id, caller, found)
    journal.begin(db, call, now)
    journal.enter_stage(db, request.call_id, STAGE, state, now)
    return True


def _file(db: Connection, services: Services, new: NewRecording, kind: str, end: bool) -> Ticket:
    now = services.now()
    recordings.add(db, new, now)
    call = journal.get(db, new.call_id)
    ticket = tickets.open_ticket(db, _new_ticket(services, call, new.call_id, kind), now)
    if end:
        journal.end(db, new.call_id, "completed", now)
    return ticket


def _new_ticket(services: Services, call: Call | None, call_id: str, kind: str) -> NewTicket:
    place = (call.caller.city or call.caller.province) if call is not None else ""
    name = services.ticket_types.get(kind, kind)
    return NewTicket(
        type=kind,
        subject=" ".join(part for part in (place, name) if part),
        call_id=call_id,
        labels=(f"地区:{place}",) if place else (),
    )


def _ticket_type(session: Session, services: Services) -> str:
    kind = session.request.argument(0, "type") or DEFAULT_TYPE
    if kind in services.ticket_types:
        return kind
    # The caller's words matter more than a slip in the dialplan.
    log.warning("no such ticket type; a message it is", type=harmless(kind, 40))
    return DEFAULT_TYPE


def _measured(path: Path) -> tuple[float, str] | None:
    """Seconds and SHA-256 of a message, which is on the disk from now on; None if there is none.

    The length comes from the file's size: a WAV header says 0 if Asterisk died, and is mended.
    """
    try:
        with contextlib.suppress(AudioError):  # no WAV file: kept as it is, for people to see
            repair_wav(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
            data = file.read()
    except FileNotFoundError:
        return None
    seconds = max(0, len(data) - _HEADER_BYTES) / _BYTES_PER_SECOND
    if seconds < SHORTEST_SECONDS:
        path.unlink(missing_ok=True)
        return None
    return round(seconds, 3), hashlib.sha256(data).hexdigest()


def _seconds_unchanged(path: Path, now: float) -> float | None:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _waits(services: Services) -> float:
    return services.message_seconds + services.silence_seconds + _DESK_SECONDS


SCRIPT = Script("leave_message", run, _waits, recover)
