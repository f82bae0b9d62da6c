"""Recordings: what was recorded, where the file lies, whether it has been transcribed.

The table is the transcriber's queue: what is `recorded` waits, and a restart forgets nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, literal_column, select

from desk.db.schema import calls, recordings
from desk.errors import NoSuchCall
from desk.timeline import append

State = Literal["recorded", "transcribed", "failed"]

ONE = select(recordings).where(recordings.c.id == bindparam("of_id"))
_BY_NAME = select(recordings).where(recordings.c.name == bindparam("of_name"))
_OF_CALL = (
    select(recordings).where(recordings.c.call_id == bindparam("of_call")).order_by(recordings.c.id)
)
_UNTRANSCRIBED = (
    select(recordings)
    .where(recordings.c.state == literal_column("'recorded'"))  # finds the partial index
    .order_by(recordings.c.id)
    .limit(bindparam("most"))
)
_INSERT = insert(recordings)
_TICKET = select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call"))


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A finished recording.

    Attributes:
        name: unique; Asterisk's name of the recording.
        path: of the file.
        sha256: of the file, hexadecimal.
        kind: `message` (told after the tone) or another word for what was recorded.
    """

    call_id: str
    name: str
    path: str
    seconds: float
    sha256: str
    kind: str = "message"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and its state: `recorded` → `transcribed` or `failed`."""

    id: int
    call_id: str
    name: str
    kind: str
    path: str
    seconds: float
    sha256: str
    state: State
    recorded_at: datetime


def add(db: Connection, new: NewRecording, now: datetime) -> int:
    """Record a recording, once per name; `recording.added`. Returns its id.

    Raises:
        NoSuchCall: its call is not in the journal.
    """
    there = db.execute(_BY_NAME, {"of_name": new.name}).one_or_none()
    if there is not None:
        known: int = there.id
        return known
    call = db.execute(_TICKET, {"of_call": new.call_id}).one_or_none()
    if call is None:
        raise NoSuchCall(new.call_id)
    row = {
        "call_id": new.call_id,
        "name": new.name,
        "kind": new.kind,
        "path": new.path,
        "seconds": new.seconds,
        "sha256": new.sha256,
        "state": "recorded",
        "recorded_at": now,
    }
    recording_id: int = db.execute(_INSERT, row).inserted_primary_key[0]  # type: ignore[index]
    append(
        db,
        kind="recording.added",
        body={
            "recording_id": recording_id,
            "kind": new.kind,
            "seconds": new.seconds,
            "sha256": new.sha256,
        },
        now=now,
        call_id=new.call_id,
        ticket_id=call.ticket_id,
    )
    return recording_id


def get(db: Connection, recording_id: int) -> Recording | None:
    """The recording with this id."""
    row = db.execute(ONE, {"of_id": recording_id}).one_or_none()
    return recording_of(row) if row is not None else None


def of_call(db: Connection, call_id: str) -> list[Recording]:
    """The recordings of a call, oldest first."""
    return [recording_of(row) for row in db.execute(_OF_CALL, {"of_call": call_id})]


def untranscribed(db: Connection, limit: int = 100) -> list[Recording]:
    """Recordings that wait to be transcribed, oldest first."""
    return [recording_of(row) for row in db.execute(_UNTRANSCRIBED, {"most": limit})]


def recording_of(row: Any) -> Recording:
    """The recording in a row."""
    return Recording(
        id=row.id,
        call_id=row.call_id,
        name=row.name,
        kind=row.kind,
        path=row.path,
        seconds=row.seconds,
        sha256=row.sha256,
        state=row.state,
        recorded_at=row.recorded_at,
    )
