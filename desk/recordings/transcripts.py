"""The words recognised in a recording, and their way into the call's ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from desk.db.schema import calls, recordings, transcripts
from desk.errors import NoSuchRecording
from desk.recordings.recordings import ONE
from desk.text import canonical, parsed, storable
from desk.tickets.ticket import describe, for_change
from desk.timeline import append

_FOR_CHANGE = ONE.with_for_update()
_SET_STATE = (
    update(recordings)
    .where(recordings.c.id == bindparam("of_id"))
    .values(state=bindparam("new_state"))
)
_INSERT = insert(transcripts).inline()
_TICKET = select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call"))
_TRANSCRIPT = select(transcripts).where(transcripts.c.recording_id == bindparam("of_id"))


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was recognised in a recording.

    Attributes:
        words: mappings with `text`, `start` and `end` (seconds from the beginning of the
            recording) and `confidence` (0 to 1).
        engine: what recognised it, model included.
    """

    recording_id: int
    text: str
    words: Sequence[Mapping[str, Any]]
    engine: str
    at: datetime


def add_transcript(
    db: Connection, recording_id: int, transcript: Mapping[str, Any], now: datetime
) -> None:
    """Keep what was recognised, once; `transcript.added`. A message's text also goes to the end of
    the description of the call's ticket, if the call has one (one opened later takes it itself).
    A talk would flood it: that is in the call's transcript, and its digest in the ticket.

    Args:
        transcript: with the keys `text`, `words` and `engine`; see `Transcript`.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    recording = db.execute(_FOR_CHANGE, {"of_id": recording_id}).one_or_none()
    if recording is None:
        raise NoSuchRecording(recording_id)
    if recording.state == "transcribed":
        return
    text = storable(str(transcript["text"]), 100_000)
    row = {
        "recording_id": recording_id,
        "text": text,
        "words": canonical(list(transcript["words"])),
        "engine": storable(str(transcript["engine"]), 200),
        "at": now,
    }
    db.execute(_INSERT, row)
    db.execute(_SET_STATE, {"of_id": recording_id, "new_state": "transcribed"})
    ticket_id: int | None = db.execute(_TICKET, {"of_call": recording.call_id}).scalar()
    append(
        db,
        kind="transcript.added",
        body={"recording_id": recording_id, "text": text, "engine": row["engine"]},
        now=now,
        call_id=recording.call_id,
        ticket_id=ticket_id,
    )
    if ticket_id is not None and text and recording.kind == "message":
        told = for_change(db, ticket_id).description
        describe(db, ticket_id, f"{told}\n{text}" if told else text, now)


def transcription_failed(db: Connection, recording_id: int, reason: str, now: datetime) -> None:
    """Give up on a recording, so that it is not tried for ever; `transcript.failed`.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    recording = db.execute(_FOR_CHANGE, {"of_id": recording_id}).one_or_none()
    if recording is None:
        raise NoSuchRecording(recording_id)
    if recording.state != "recorded":
        return
    db.execute(_SET_STATE, {"of_id": recording_id, "new_state": "failed"})
    ticket_id: int | None = db.execute(_TICKET, {"of_call": recording.call_id}).scalar()
    append(
        db,
        kind="transcript.failed",
        body={"recording_id": recording_id, "reason": storable(reason, 500)},
        now=now,
        call_id=recording.call_id,
        ticket_id=ticket_id,
    )


def transcript_of(db: Connection, recording_id: int) -> Transcript | None:
    """What was recognised in this recording, if it has been transcribed."""
    row = db.execute(_TRANSCRIPT, {"of_id": recording_id}).one_or_none()
    if row is None:
        return None
    return Transcript(row.recording_id, row.text, parsed(row.words), row.engine, row.at)
