"""Calls, live and past."""

from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy import Connection

from desk import journal, recordings, utterances
from desk.access.within import calls_within, seen_calls
from desk.api.access import Reader, reader
from desk.api.models import CallDetail, CallOut, RecordingOut, TranscriptOut, UtteranceOut
from desk.api.paging import Page, from_cursor
from desk.api.problems import Problem, not_found
from desk.api.room import MISSING, CallId, Cursor, Desk, Limit, Number, e164, room
from desk.api.state import ApiState

router = room("calls")


@router.get("/calls")
async def list_calls(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("calls:read"))],
    live: Annotated[bool | None, Query(description="only live, or only past calls")] = None,
    number: Number = None,
    area_code: Annotated[str | None, Query(max_length=10)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallOut]:
    """Calls live and past, newest first. Scope `calls:read`."""
    found = await desk.db.read(
        journal.search,
        live=live,
        e164=e164(number),
        area_code=area_code,
        limit=limit + 1,
        before=from_cursor(cursor),
        within=calls_within(who.principal, who.reach),
    )
    clear = await desk.db.read(seen_calls, who.principal, who.clear, [c.id for c in found])
    return Page[CallOut].of(
        found, limit, lambda c: c.id, lambda c: CallOut.of(c, c.id not in clear)
    )


@router.get("/calls/{call_id}", responses=MISSING)
async def get_call(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("calls:read"))],
    call_id: CallId,
) -> CallDetail:
    """One call with its recordings and what was recognised in them. Scope `calls:read`."""
    masked = await within_reach(desk, who, call_id)
    call = await desk.db.read(journal.get, call_id)
    if call is None:
        raise no_call(call_id)
    heard = [
        RecordingOut.of(
            recording, await desk.db.read(recordings.transcript_of, recording.id), masked
        )
        for recording in await desk.db.read(recordings.of_call, call_id)
    ]
    return CallDetail(**CallOut.of(call, masked).model_dump(), recordings=heard)


@router.get("/calls/{call_id}/transcript", responses=MISSING)
async def get_transcript(
    desk: Desk, who: Annotated[Reader, Depends(reader("calls:read"))], call_id: CallId
) -> TranscriptOut:
    """What the parties said, as far as it is recognised: who, when, how surely, by which engine,
    and whether live or afterwards. Scope `calls:read`.
    """
    masked = await within_reach(desk, who, call_id)
    said = await desk.db.read(utterances.transcript, call_id)
    return TranscriptOut(call_id=call_id, utterances=[UtteranceOut.of(one, masked) for one in said])


async def within_reach(desk: ApiState, who: Reader, call_id: str) -> bool:
    """Whether numbers and names in this call, which `who` may read, are masked.

    Raises:
        Problem: there is no such call, or it belongs to somebody else's ticket.
    """
    there, seen, clear = await desk.db.read(_seen, who, call_id)
    if not there:
        raise no_call(call_id)
    if not seen:
        raise Problem(
            403,
            "call-of-others",
            "Not yours",
            f"Call {call_id} belongs to somebody else's ticket; for the role "
            f"{who.principal.role} this goes as far as: {who.reach.name.lower()}.",
            "Ask who is in charge of the ticket, or a supervisor.",
        )
    return not clear


def _seen(db: Connection, who: Reader, call_id: str) -> tuple[bool, bool, bool]:
    return (
        journal.get(db, call_id) is not None,
        bool(seen_calls(db, who.principal, who.reach, [call_id])),
        bool(seen_calls(db, who.principal, who.clear, [call_id])),
    )


def no_call(call_id: str) -> Problem:
    """404."""
    return not_found(f"call {call_id!r}", "GET /api/v1/calls lists the calls.")
