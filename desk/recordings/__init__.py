"""Recordings of calls and the words recognised in them."""

from desk.recordings.recordings import NewRecording, Recording, add, get, of_call, untranscribed
from desk.recordings.transcripts import (
    Transcript,
    add_transcript,
    transcript_of,
    transcription_failed,
)

__all__ = [
    "NewRecording",
    "Recording",
    "Transcript",
    "add",
    "add_transcript",
    "get",
    "of_call",
    "transcript_of",
    "transcription_failed",
    "untranscribed",
]
