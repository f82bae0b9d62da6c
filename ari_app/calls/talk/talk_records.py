"""What a talk tells the desk."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ari_app.calls.journal.units import unit
from desk import callbacks, recordings, talks, tickets, utterances
from desk.callbacks import NewCallback
from desk.recordings import NewRecording
from desk.talks import NewTalk
from desk.tickets import Digest
from desk.utterances import NewUtterance


@unit("talk.begin")
def talk_began(db: Connection, _now: datetime, new: NewTalk) -> None:
    """An agent answered; once per leg."""
    talks.begin(db, new)


@unit("talk.end")
def talk_ended(db: Connection, now: datetime, talk_id: str, cause: str) -> None:
    """An agent has left; the first cause stays."""
    talks.end(db, talk_id, cause, now)


@unit("utterance", telling=True)
def heard(db: Connection, now: datetime, new: NewUtterance) -> None:
    """Somebody said something; once per leg and number."""
    utterances.add(db, new, now)


@unit("recording")
def recorded(db: Connection, now: datetime, new: NewRecording) -> None:
    """A recording is in our own store; once per name."""
    recordings.add(db, new, now)


@unit("digest")
def digested(db: Connection, now: datetime, call_id: str, digest: Mapping[str, Any]) -> None:
    """What the talk was about."""
    tickets.add_digest(db, call_id, Digest(**digest), now)


@unit("callback")
def callback_requested(db: Connection, now: datetime, new: NewCallback) -> int:
    """The caller hangs up and keeps the place; once per call."""
    return callbacks.request(db, new, now)
