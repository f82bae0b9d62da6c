"""What becomes of recordings that are kept: heard, encrypted later, deleted; each on the record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from desk.db.schema import calls, recordings, timeline
from desk.errors import NoSuchRecording
from desk.recordings.intake import KeptFile
from desk.recordings.recordings import ONE, Recording, recording_of
from desk.text import parsed
from desk.timeline import append

ONE_LISTENING = timedelta(minutes=1)
"""A player asks for many ranges of one file; within so long they are one listening."""

_FOR_CHANGE = ONE.with_for_update()
_TICKET = select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call"))
_HEARD = (
    select(timeline.c.body)
    .where(
        timeline.c.call_id == bindparam("of_call"),
        timeline.c.kind == "recording.accessed",
        timeline.c.actor == bindparam("by"),
        timeline.c.at > bindparam("since"),
    )
    .order_by(timeline.c.seq.desc())
)
_EXPIRED = (
    select(recordings)
    .where(
        recordings.c.deleted_at.is_(None),
        recordings.c.kind == bindparam("of_kind"),
        recordings.c.recorded_at < bindparam("before"),
        or_(
            recordings.c.recorded_at < bindparam("placed_before"),
            ~exists().where(calls.c.id == recordings.c.call_id, calls.c.direction == "outbound"),
        ),
    )
    .order_by(recordings.c.recorded_at, recordings.c.id)
    .limit(bindparam("most"))
)
_PLAIN = (
    select(recordings)
    .where(
        recordings.c.deleted_at.is_(None),
        recordings.c.encrypted.is_(False),
        recordings.c.state != "recorded",
        recordings.c.id > bindparam("after"),
    )
    .order_by(recordings.c.id)
    .limit(bindparam("most"))
)
_PATHS = select(recordings.c.path).where(
    recordings.c.deleted_at.is_(None), recordings.c.name.in_(bindparam("names", expanding=True))
)
_DELETED = (
    update(recordings)
    .where(recordings.c.id == bindparam("of_id"))
    .values(deleted_at=bindparam("at"))
)
_ENCRYPTED = (
    update(recordings)
    .where(recordings.c.id == bindparam("of_id"))
    .values(path=bindparam("new_path"), bytes=bindparam("new_bytes"), encrypted=True)
)


def accessed(db: Connection, recording_id: int, actor: str, now: datetime) -> bool:
    """Somebody listens; `recording.accessed`, at most once in a minute for the same recording and
    listener. Returns whether an entry was made.

    Args:
        actor: who: a token's name, `agent:8001`.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    recording = _found(db, recording_id)
    heard = db.execute(
        _HEARD, {"of_call": recording.call_id, "by": actor, "since": now - ONE_LISTENING}
    )
    bodies = (parsed(row.body) for row in heard if row.body is not None)
    if any(body["recording_id"] == recording_id for body in bodies):
        return False
    _append(db, "recording.accessed", recording, {}, actor, now)
    return True


def expired(
    db: Connection,
    kind: str,
    before: datetime,
    limit: int = 100,
    *,
    placed_before: datetime | None = None,
) -> list[Recording]:
    """Recordings of a kind that were made before that moment and whose files are still kept,
    oldest first.

    Args:
        placed_before: those of calls that we placed must be that old; they are evidence.
    """
    placed = before if placed_before is None else placed_before
    values = {"of_kind": kind, "before": before, "placed_before": placed, "most": limit}
    return [recording_of(row) for row in db.execute(_EXPIRED, values)]


def deleted(
    db: Connection, recording_id: int, now: datetime, *, reason: str, actor: str = "system"
) -> None:
    """The file is gone, by intention; `recording.deleted`. Twice is once. What was recognised in
    it stays.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    recording = _found(db, recording_id)
    if recording.deleted_at is not None:
        return
    db.execute(_DELETED, {"of_id": recording_id, "at": now})
    body = {"sha256": recording.sha256, "reason": reason}
    _append(db, "recording.deleted", recording, body, actor, now)


def unencrypted(db: Connection, after: int = 0, limit: int = 100) -> list[Recording]:
    """Recordings with an id above `after` whose files lie open, by id; not those that wait to be
    transcribed, whose files somebody may be about to read.
    """
    return [recording_of(row) for row in db.execute(_PLAIN, {"after": after, "most": limit})]


def encrypted(db: Connection, recording_id: int, kept: KeptFile, now: datetime) -> None:
    """The recording's file has been encrypted and is now that one; `recording.encrypted`.

    Raises:
        NoSuchRecording: there is none with this id.
    """
    recording = _found(db, recording_id)
    if recording.encrypted:
        return
    values = {"of_id": recording_id, "new_path": kept.path, "new_bytes": kept.bytes}
    db.execute(_ENCRYPTED, values)
    _append(db, "recording.encrypted", recording, {}, "system", now)


def files_of(db: Connection, names: Sequence[str]) -> set[str]:
    """The names of the files that the recordings of these names have."""
    rows = db.execute(_PATHS, {"names": names}) if names else ()
    return {Path(row.path).name for row in rows}


def _found(db: Connection, recording_id: int) -> Any:
    row = db.execute(_FOR_CHANGE, {"of_id": recording_id}).one_or_none()
    if row is None:
        raise NoSuchRecording(recording_id)
    return row


def _append(
    db: Connection, kind: str, recording: Any, more: dict[str, Any], actor: str, now: datetime
) -> None:
    ticket_id: int | None = db.execute(_TICKET, {"of_call": recording.call_id}).scalar()
    body = {"recording_id": recording.id, "kind": recording.kind, "party": recording.party, **more}
    append(
        db,
        kind=kind,
        body=body,
        now=now,
        call_id=recording.call_id,
        ticket_id=ticket_id,
        actor=actor,
    )
