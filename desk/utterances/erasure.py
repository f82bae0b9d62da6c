"""Erasing what was said in a call, here and in the timeline, when its time is over."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from desk.db.schema import calls, recordings, timeline, transcripts, utterances
from desk.errors import NoSuchCall
from desk.timeline import erase_bodies
from desk.timeline.erasure import MOST_AT_ONCE
from desk.utterances.transcript import REPLACED
from desk.utterances.utterance import ADDED

SAID = (ADDED, REPLACED, "transcript.added")

_CALL = select(calls.c.id).where(calls.c.id == bindparam("of_call")).with_for_update()
_BLANK = (
    update(utterances)
    .where(utterances.c.call_id == bindparam("of_call"))
    .values(text="", words="[]")
)
_BLANK_MESSAGES = (
    update(transcripts)
    .where(
        transcripts.c.recording_id.in_(
            select(recordings.c.id).where(recordings.c.call_id == bindparam("of_call"))
        )
    )
    .values(text="", words="[]")
)
_TOLD = (
    select(timeline.c.seq)
    .where(
        timeline.c.call_id == bindparam("of_call"),
        timeline.c.kind.in_(SAID),
        timeline.c.body.is_not(None),
    )
    .order_by(timeline.c.seq)
)


def erase(
    db: Connection, call_id: str, now: datetime, reason: str = "retention", actor: str = "system"
) -> int:
    """Erase the words of a call for good: its utterances, the transcripts of its recordings, and
    what the timeline tells of them (`timeline.erased`). Who spoke when stays, and so does what
    its ticket says, which is the ticket's. Returns how many entries were erased; twice is once.

    Raises:
        NoSuchCall: the call is not in the journal.
    """
    of_call = {"of_call": call_id}
    if db.execute(_CALL, of_call).one_or_none() is None:
        raise NoSuchCall(call_id)
    db.execute(_BLANK, of_call)
    db.execute(_BLANK_MESSAGES, of_call)
    seqs = list(db.execute(_TOLD, of_call).scalars())
    for first in range(0, len(seqs), MOST_AT_ONCE):
        erase_bodies(db, seqs[first : first + MOST_AT_ONCE], reason, now, actor)
    return len(seqs)
