"""What Asterisk knows of one call, put together from its note, its records and its messages."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from asterisk_conf.cdr import TrunkCall
from asterisk_conf.notes import Note

NEVER_REACHED = "never_reached"
FALLBACK = "fallback"


class Evidence(msgspec.Struct):
    """One caller's call as Asterisk has seen it. Everything but `id` and `seen_at` may be unknown.

    Attributes:
        id: the trunk channel's.
        seen_at: when anything was last heard of it.
        fallback: the dialplan has served the caller alone.
        ended_at: when it was hung up; None if Asterisk died first, or it is not over.
        hangup_cause: number of Q.850.
    """

    id: str
    seen_at: datetime
    received_at: datetime | None = None
    line_number: str = ""
    caller_id: str = ""
    fallback: bool = False
    ended_at: datetime | None = None
    hangup_cause: int = 0

    @property
    def stage(self) -> str:
        """How far the caller came, as far as Asterisk can tell."""
        return FALLBACK if self.fallback else NEVER_REACHED


Found = dict[str, Evidence]


def add_notes(found: Found, notes: Iterable[Note], now: datetime) -> None:
    """Add the dialplan's notes. The same note again changes nothing."""
    for note in notes:
        at = min(note.at, now)
        call = _of(found, note.channel_id, at)
        if note.kind == "received":
            call.received_at = at
            call.line_number, call.caller_id = note.line_number, note.caller_id
        elif note.kind == "ended":
            call.ended_at, call.hangup_cause = at, note.cause
        else:
            call.fallback = True


def add_records(found: Found, records: Mapping[str, TrunkCall], now: datetime) -> None:
    """Add call records. Where a note says something, it is right."""
    for record in records.values():
        started_at, ended_at = min(record.started_at, now), min(record.ended_at, now)
        call = _of(found, record.id, ended_at)
        call.received_at = call.received_at or started_at
        call.ended_at = call.ended_at or ended_at
        call.line_number = call.line_number or record.dialled
        call.caller_id = call.caller_id or record.caller_id
        call.fallback = call.fallback or record.fallback


def add_messages(found: Found, messages: Mapping[str, datetime], now: datetime) -> None:
    """Add messages: call id → when the file was last written."""
    for call_id, written in messages.items():
        _of(found, call_id, min(written, now)).fallback = True


def _of(found: Found, call_id: str, at: datetime) -> Evidence:
    call = found.get(call_id)
    if call is None:
        call = found[call_id] = Evidence(call_id, at)
    call.seen_at = max(call.seen_at, at)
    return call
