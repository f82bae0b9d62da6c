"""What a call was about, taken from its words once all of them are there."""

from datetime import datetime

import structlog
from sqlalchemy import Connection

from desk import recordings, tickets, utterances
from desk.db.engine import Database
from desk.tickets import Digest
from stt.text.digest import digest_of
from stt.text.said import Said

log = structlog.get_logger()


async def digest_call(db: Database, call_id: str, now: datetime) -> None:
    """Write the digest of a call into its ticket, unless words of it are still to come.

    Raises:
        DatabaseError: the desk does not answer.
    """
    said = await db.read(_words, call_id)
    if not said:
        return
    try:
        digest = await digest_of(said)
    except Exception:  # a call is ended, and a recording transcribed, without it too
        log.exception("no digest of this call", call=call_id)
        return
    await db.write(
        tickets.add_digest,
        call_id,
        Digest(
            summary=digest.summary,
            numbers=tuple(found.value for found in digest.numbers),
            order_ids=tuple(found.value for found in digest.order_ids),
            engine=digest.engine,
        ),
        now,
    )


def _words(db: Connection, call_id: str) -> list[Said]:
    kept = recordings.of_call(db, call_id)
    if any(recording.state == "recorded" for recording in kept):
        return []
    talk = [Said(one.party, one.text) for one in utterances.transcript(db, call_id)]
    if talk:
        return talk
    messages = (recordings.transcript_of(db, recording.id) for recording in kept)
    return [Said("caller", message.text) for message in messages if message and message.text]
