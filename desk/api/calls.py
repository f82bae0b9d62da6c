"""Calls, live and past."""

from typing import Annotated

from fastapi import Depends, Query

from desk import journal, recordings, utterances
from desk.api.access import Reader, reader
from desk.api.models import CallDetail, CallOut, RecordingOut, TranscriptOut, UtteranceOut
from desk.api.paging import Page, from_cursor
from desk.api.problems import Problem, not_found
from desk.api.room import MISSING, CallId, Cursor, Desk, Limit, Number, e164, room

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
    )
    return Page[CallOut].of(found, limit, lambda c: c.id, lambda c: CallOut.of(c, who.masked))


@router.get("/calls/{call_id}", responses=MISSING)
async def get_call(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("calls:read"))],
    call_id: CallId,
) -> CallDetail:
    """One call with its recordings and what was recognised in them. Scope `calls:read`."""
    call = await desk.db.read(journal.get, call_id)
    if call is None:
        raise _no_call(call_id)
    heard = [
        RecordingOut.of(
            recording, await desk.db.read(recordings.transcript_of, recording.id), who.masked
        )
        for recording in await desk.db.read(recordings.of_call, call_id)
    ]
    return CallDetail(**CallOut.of(call, who.masked).model_dump(), recordings=heard)


@router.get("/calls/{call_id}/transcript", responses=MISSING)
async def get_transcript(
    desk: Desk, who: Annotated[Reader, Depends(reader("calls:read"))], call_id: CallId
) -> TranscriptOut:
    """What the parties said, as far as it is recognised: who, when, how surely, by which engine,
    and whether live or afterwards. Scope `calls:read`.
    """
    said = await desk.db.read(utterances.transcript, call_id)
    if not said and await desk.db.read(journal.get, call_id) is None:
        raise _no_call(call_id)
    return TranscriptOut(
        call_id=call_id, utterances=[UtteranceOut.of(one, who.masked) for one in said]
    )


def _no_call(call_id: str) -> Problem:
    return not_found(f"call {call_id!r}", "GET /api/v1/calls lists the calls.")
