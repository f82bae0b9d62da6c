"""Recordings of calls, their files, and the words recognised in them."""

from desk.recordings.errors import (
    BadKey,
    BadName,
    FileDamaged,
    FileMissing,
    KeyUnknown,
    StoreError,
    StoreFailed,
    StoreFull,
)
from desk.recordings.intake import Intake, KeptFile
from desk.recordings.keeping import accessed, deleted, expired
from desk.recordings.keys import Keys, keys_for
from desk.recordings.open_file import OpenFile
from desk.recordings.recordings import (
    NewRecording,
    Recording,
    add,
    get,
    of_call,
    skip,
    untranscribed,
)
from desk.recordings.settings import RetentionSettings
from desk.recordings.store import Store
from desk.recordings.transcripts import (
    Transcript,
    add_transcript,
    transcript_of,
    transcription_failed,
)

__all__ = [
    "BadKey",
    "BadName",
    "FileDamaged",
    "FileMissing",
    "Intake",
    "KeptFile",
    "KeyUnknown",
    "Keys",
    "NewRecording",
    "OpenFile",
    "Recording",
    "RetentionSettings",
    "Store",
    "StoreError",
    "StoreFailed",
    "StoreFull",
    "Transcript",
    "accessed",
    "add",
    "add_transcript",
    "deleted",
    "expired",
    "get",
    "keys_for",
    "of_call",
    "skip",
    "transcript_of",
    "transcription_failed",
    "untranscribed",
]
