"""Appending to the timeline, and reading it.

An entry's `seq` follows commit order without gaps: on PostgreSQL the head row is locked until the
commit, SQLite has one writer. So `seq` serves as event id (a reader that has seen n has seen all
up to n) and as order of delivery. Units that write several tables append last: the head is the
busiest lock of all.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from desk import outbox
from desk.db.prepared import Prepared
from desk.db.schema import timeline, timeline_head
from desk.db.types import iso, moment
from desk.text import canonical, parsed, storable

GENESIS = "0" * 64
MOST_ENTRIES = 1000
WRITTEN = "written"
"""In `Connection.info`: a list that gets the `seq` of each entry, where somebody wants to know."""

_HEAD = Prepared(select(timeline_head.c.seq, timeline_head.c.hash).with_for_update())
_ADVANCE = Prepared(
    update(timeline_head).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)
_INSERT = Prepared(insert(timeline).inline(), names=timeline.c.keys())
_LAST = Prepared(select(timeline_head.c.seq))
COLUMNS = (
    timeline.c.seq,
    timeline.c.at,
    timeline.c.kind,
    timeline.c.call_id,
    timeline.c.ticket_id,
    timeline.c.customer_id,
    timeline.c.actor,
    timeline.c.body,
    timeline.c.hash,
)
_after = (
    select(*COLUMNS)
    .where(timeline.c.seq > bindparam("after"))
    .order_by(timeline.c.seq)
    .limit(bindparam("most"))
)
_AFTER = Prepared(_after)
_AFTER_OF_CALL = Prepared(_after.where(timeline.c.call_id == bindparam("call_id")))
_AFTER_OF_TICKET = Prepared(_after.where(timeline.c.ticket_id == bindparam("ticket_id")))
_AFTER_OF_CUSTOMER = Prepared(_after.where(timeline.c.customer_id == bindparam("customer_id")))
_ONE = Prepared(select(*COLUMNS).where(timeline.c.seq == bindparam("seq")))


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        seq: 1, 2, 3, … in commit order.
        kind: what happened, like `ticket.opened`.
        actor: who did it: `system`, `agent:8001`, `import`, a token's name.
        body: the details; None once erased.
        hash: SHA-256 over the previous entry's hash and this entry, hexadecimal.
    """

    seq: int
    at: datetime
    kind: str
    call_id: str | None
    ticket_id: int | None
    customer_id: int | None
    actor: str
    body: Mapping[str, Any] | None
    hash: str


def append(
    db: Connection,
    *,
    kind: str,
    body: Mapping[str, Any],
    now: datetime,
    call_id: str | None = None,
    ticket_id: int | None = None,
    customer_id: int | None = None,
    actor: str = "system",
    outbox_key: str | None = None,
) -> Entry:
    """Add an entry to the chain and, if it concerns a call or a ticket, to the outbox.

    Args:
        outbox_key: the ordering key under which an entry of neither goes to the outbox.
    """
    previous_seq, previous_hash = _HEAD.execute(db, {}).fetchone()
    seq = previous_seq + 1
    if not actor.isprintable() or len(actor) > 200:
        actor = storable(actor, 200)
    salt = secrets.token_hex(16)
    text = canonical(body)
    hashed_body = body_hash(salt, text)
    hashed = entry_hash(
        previous_hash, seq, iso(now), kind, call_id, ticket_id, customer_id, actor, hashed_body
    )
    _INSERT.execute(
        db,
        {
            "seq": seq,
            "at": now,
            "kind": kind,
            "call_id": call_id,
            "ticket_id": ticket_id,
            "customer_id": customer_id,
            "actor": actor,
            "body": text,
            "salt": salt,
            "body_hash": hashed_body,
            "hash": hashed,
        },
    )
    _ADVANCE.execute(db, {"new_seq": seq, "new_hash": hashed})
    if call_id is not None or ticket_id is not None:
        outbox_key = outbox.ordering_key(call_id, ticket_id)
    if outbox_key is not None:
        outbox.put(db, seq, outbox_key)
    db.info["advanced"] = seq
    if WRITTEN in db.info:
        db.info[WRITTEN].append(seq)
    return Entry(seq, now, kind, call_id, ticket_id, customer_id, actor, body, hashed)


def body_hash(salt: str, text: str) -> str:
    """SHA-256 of salt and canonical body: it stays when the body is erased, and tells nothing."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def entry_hash(
    previous: str,
    seq: int,
    at: str,
    kind: str,
    call_id: str | None,
    ticket_id: int | None,
    customer_id: int | None,
    actor: str,
    hashed_body: str,
) -> str:
    """SHA-256 of the JSON list `[previous hash, seq, at, kind, call, ticket, customer, actor,
    body hash]` without spaces, in UTF-8. JSON keeps the fields apart, whatever they hold.
    """
    fields = [previous, seq, at, kind, call_id, ticket_id, customer_id, actor, hashed_body]
    return hashlib.sha256(orjson.dumps(fields)).hexdigest()


def last_seq(db: Connection) -> int:
    """The newest entry's `seq`; 0 while there is none."""
    seq: int = _LAST.execute(db, {}).fetchone()[0]
    return seq


def entry(db: Connection, seq: int) -> Entry | None:
    """The entry with this `seq`."""
    row = _ONE.execute(db, {"seq": seq}).fetchone()
    return _entry(row) if row is not None else None


def entries_after(
    db: Connection,
    seq: int,
    limit: int,
    call_id: str | None = None,
    ticket_id: int | None = None,
    customer_id: int | None = None,
) -> list[Entry]:
    """At most `limit` (and 1000) entries after `seq`, oldest first; of one call, ticket or
    customer if told (the first of these that is given).
    """
    values: dict[str, Any] = {"after": seq, "most": min(limit, MOST_ENTRIES)}
    statement = _AFTER
    if call_id is not None:
        statement, values["call_id"] = _AFTER_OF_CALL, call_id
    elif ticket_id is not None:
        statement, values["ticket_id"] = _AFTER_OF_TICKET, ticket_id
    elif customer_id is not None:
        statement, values["customer_id"] = _AFTER_OF_CUSTOMER, customer_id
    return [_entry(row) for row in statement.execute(db, values).fetchall()]


def entries_within(
    db: Connection,
    seq: int,
    limit: int,
    within: ColumnElement[bool],
    *,
    call_id: str | None = None,
    ticket_id: int | None = None,
    customer_id: int | None = None,
) -> list[Entry]:
    """As `entries_after`, those of which `within` is true, of all that are named."""
    query = _after.where(within)
    named = {"call_id": call_id, "ticket_id": ticket_id, "customer_id": customer_id}
    for name, value in named.items():
        if value is not None:
            query = query.where(timeline.c[name] == value)
    rows = db.execute(query, {"after": seq, "most": min(limit, MOST_ENTRIES)})
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    seq, at, kind, call_id, ticket_id, customer_id, actor, body, hashed = row
    told = parsed(body) if body is not None else None
    return Entry(seq, moment(at), kind, call_id, ticket_id, customer_id, actor, told, hashed)
