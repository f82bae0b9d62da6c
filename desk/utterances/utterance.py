"""Keeping utterances one by one, as they are spoken: the busiest record of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, false, func, select
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.prepared import Prepared
from desk.db.schema import calls, utterances
from desk.db.types import iso
from desk.errors import NoSuchCall
from desk.text import canonical, storable
from desk.timeline import append

ADDED = "utterance.added"
MOST_TEXT = 10_000

# The lock is the one that the reference to the call takes anyway. Taken first, it keeps this
# apart from `replace`, which takes the row for itself.
_TICKET = Prepared(
    select(calls.c.ticket_id)
    .where(calls.c.id == bindparam("call_id"))
    .with_for_update(read=True, key_share=True)
)
_NAMES = utterances.c.keys()
_afterwards = utterances.alias("afterwards")
_unless_replaced = select(
    *(bindparam(column.name, type_=column.type) for column in utterances.c)
).where(
    ~exists().where(
        _afterwards.c.call_id == bindparam("call_id"),
        _afterwards.c.leg == bindparam("leg"),
        _afterwards.c.live == false(),
    )
)
_INSERT = Prepared(
    sqlite.insert(utterances).from_select(_NAMES, _unless_replaced).on_conflict_do_nothing(),
    on_postgresql=postgresql.insert(utterances)
    .from_select(_NAMES, _unless_replaced)
    .on_conflict_do_nothing()
    .inline(),
)
_LAST = Prepared(
    select(func.max(utterances.c.number)).where(
        utterances.c.call_id == bindparam("of_call"), utterances.c.leg == bindparam("of_leg")
    )
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that one party said in one breath.

    Attributes:
        leg: Asterisk's id of the party's channel.
        number: 0, 1, 2, … within the leg.
        party: `caller`, or `agent:` and an extension.
        at: when it began.
        start: seconds from the beginning of what was heard of this leg; `end` likewise.
        words: mappings with `text`, `start`, `end` (seconds, likewise) and `confidence`.
        confidence: 0 to 1.
        engine: what recognised it, model included.
        live: recognised while it was spoken; False: from the recording, afterwards.
    """

    call_id: str
    leg: str
    number: int
    party: str
    at: datetime
    start: float
    end: float
    text: str
    words: Sequence[Mapping[str, Any]]
    confidence: float
    engine: str
    live: bool


NewUtterance = Utterance  # nothing is added to it when it is kept


def add(db: Connection, new: NewUtterance, now: datetime) -> bool:
    """Keep an utterance, once per leg and number; `utterance.added`. False: nothing was kept,
    because it is there already, or its leg was transcribed from the recording in the meantime.

    Raises:
        NoSuchCall: the call is not in the journal.
    """
    call = _TICKET.execute(db, {"call_id": new.call_id}).fetchone()
    if call is None:
        raise NoSuchCall(new.call_id)
    row = row_of(new)
    if _INSERT.execute(db, row).rowcount == 0:
        return False
    append(
        db,
        kind=ADDED,
        body={
            "leg": new.leg,
            "number": new.number,
            "party": new.party,
            "at": iso(new.at),
            "start": new.start,
            "end": new.end,
            "text": row["text"],
            "confidence": new.confidence,
            "engine": row["engine"],
            "live": new.live,
        },
        now=now,
        call_id=new.call_id,
        ticket_id=call[0],
        actor=new.party,
    )
    return True


def next_number(db: Connection, call_id: str, leg: str) -> int:
    """The number for the next utterance of a leg: where a process that takes over goes on."""
    last: int | None = _LAST.execute(db, {"of_call": call_id, "of_leg": leg}).fetchone()[0]
    return 0 if last is None else last + 1


def row_of(new: Utterance) -> dict[str, Any]:
    """Its columns."""
    return {
        "call_id": new.call_id,
        "leg": new.leg,
        "number": new.number,
        "party": new.party,
        "at": new.at,
        "start_second": new.start,
        "end_second": new.end,
        "text": storable(new.text, MOST_TEXT),
        "words": canonical(new.words),
        "confidence": new.confidence,
        "engine": storable(new.engine, 200),
        "live": new.live,
    }
