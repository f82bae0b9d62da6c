"""What tickets need of calls. Who holds a call's row decides alone to which ticket it belongs."""

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from desk.db.prepared import Prepared
from desk.db.schema import calls, recordings, transcripts
from desk.errors import NoSuchCall


class CallRow(NamedTuple):
    """The columns of a call that matter to its ticket."""

    id: str
    ticket_id: int | None
    direction: str
    digest: str | None
    customer_ids: str
    caller_id: str
    caller_kind: str
    e164: str
    province: str
    city: str
    area_code: str
    cities: str


_CALL = Prepared(
    select(*(calls.c[name] for name in CallRow._fields))
    .where(calls.c.id == bindparam("of_id"))
    .with_for_update()
)
_LINK = Prepared(
    update(calls).where(calls.c.id == bindparam("of_id")).values(ticket_id=bindparam("new_ticket"))
)
_TOLD = Prepared(
    select(transcripts.c.text)
    .join(recordings, recordings.c.id == transcripts.c.recording_id)
    .where(recordings.c.call_id == bindparam("of_id"), recordings.c.kind == bindparam("of_kind"))
    .order_by(recordings.c.id)
)


def call_for_change(db: Connection, call_id: str) -> CallRow:
    """The call, which nobody else changes until this unit is over.

    Raises:
        NoSuchCall: it is not in the journal.
    """
    row = _CALL.execute(db, {"of_id": call_id}).fetchone()
    if row is None:
        raise NoSuchCall(call_id)
    return CallRow._make(row)


def link(db: Connection, call_id: str, ticket_id: int) -> None:
    """Let the call belong to the ticket."""
    _LINK.execute(db, {"of_id": call_id, "new_ticket": ticket_id})


def told_in(db: Connection, call_id: str) -> str:
    """The words of the call's messages, a line for each. (A talk's words are its transcript's.)"""
    rows = _TOLD.execute(db, {"of_id": call_id, "of_kind": "message"}).fetchall()
    return "\n".join(text for (text,) in rows if text)
