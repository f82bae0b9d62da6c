"""Noting, in the transaction of a timeline entry, that it leaves the house."""

from sqlalchemy import Connection, insert

from desk.db.prepared import Prepared
from desk.db.schema import outbox

_INSERT = Prepared(insert(outbox).inline(), names=("seq", "key"))


def ordering_key(call_id: str | None, ticket_id: int | None) -> str:
    """Entries with the same key are delivered in order: per ticket, or per call before that."""
    return f"ticket:{ticket_id}" if ticket_id is not None else f"call:{call_id}"


def put(db: Connection, seq: int, key: str) -> None:
    """Add the entry `seq` to the outbox, to go in order with all of the same key. What is sent is
    the entry itself, which never changes but by erasure: then the erased words are not sent.
    """
    _INSERT.execute(db, {"seq": seq, "key": key})
