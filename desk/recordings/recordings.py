"""Recordings: what was recorded, where the file lies, whether it has been transcribed.

The table is the transcriber's queue: what is `recorded` waits, and a restart forgets nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, literal_column, select, update

from desk.db.schema import calls, recordings
from desk.errors import NoSuchCall, NoSuchRecording
from desk.timeline import append

State = Literal["recorded", "transcribed", "failed", "skipped"]

ONE = select(recordings).where(recordings.c.id == bindparam("of_id"))
_BY_NAME = select(recordings).where(recordings.c.name == bindparam("of_name"))
_OF_CALL = (
    select(recordings).where(recordings.c.call_id == bindparam("of_call")).order_by(recordings.c.id)
)
_UNTRANSCRIBED = (
    select(recordings)
    .where(
        recordings.c.state == literal_column("'recorded'"),  # finds the partial index
        recordings.c.deleted_at.is_(None),
    )
    .order_by(recordings.c.id)
    .limit(bindparam("most"))
)
_INSERT = insert(recordings)
_SKIP = (
    update(recordings)
    .where(recordings.c.id == bindparam("of_id"), recordings.c.state == "recorded")
    .values(state="skipped")
)
_TICKET = select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call"))


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A finished recording whose file is kept.

    Attributes:
        name: unique; Asterisk's name of the recording.
        path: of the file.
        sha256: of the audio file (not of its encrypted form), hexadecimal.
        kind: `message` (told after the tone), `party` (one side of a talk), `mix` (all sides), or
            another word for what was recorded.
        party: whose voice: `caller`, `agent:8001`; empty in a mix.
        leg: id of the channel that was recorded.
        started_at: when it began to record.
        encrypted: whether the file is the encrypted form.
        bytes: length of the audio file; 0 if it is not known.
        state: `skipped` where nothing waits to be transcribed: a mix, or a party whose words were
            recognised as they were spoken.
    """

    call_id: str
    name: str
    path: str
    seconds: float
    sha256: str
    kind: str = "message"
    party: str = ""
    leg: str = ""
    started_at: datetime | None = None
    encrypted: bool = False
    bytes: int = 0
    state: Literal["recorded", "skipped"] = "recorded"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording and its state: `recorded` → `transcribed` or `failed`; or `skipped`.

    `deleted_at` says when its file was deleted; None while it is kept. The rest as in
    `NewRecording`.
    """

    id: int
    call_id: str
    name: str
    kind: str
    path: str
    seconds: float
    sha256: str
    state: State
    recorded_at: datetime
    party: str
    leg: str
    started_at: datetime | None
    encrypted: bool
    bytes: int
    deleted_at: datetime | None


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
        "state": new.state,
        "recorded_at": now,
        "party": new.party,
        "leg": new.leg,
        "started_at": new.started_at,
        "encrypted": new.encrypted,
        "bytes": new.bytes,
    }
    recording_id: int = db.execute(_INSERT, row).inserted_primary_key[0]  # type: ignore[index]
    append(
        db,
        kind="recording.added",
        body={
            "recording_id": recording_id,
            "kind": new.kind,
            "party": new.party,
            "seconds": new.seconds,
            "sha256": new.sha256,
        },
        now=now,
        call_id=new.call_id,
        ticket_id=call.ticket_id,
    )
    return recording_id


def skip(db: Connection, recording_id: int) -> None:
    """Its words are known already, or nobody may hear them: it waits for no transcriber any more.
    What has been transcribed stays so.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    if db.execute(_SKIP, {"of_id": recording_id}).rowcount == 0 and get(db, recording_id) is None:
        raise NoSuchRecording(recording_id)


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
        party=row.party,
        leg=row.leg,
        started_at=row.started_at,
        encrypted=row.encrypted,
        bytes=row.bytes,
        deleted_at=row.deleted_at,
    )
