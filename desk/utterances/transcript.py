"""A call's transcript: reading it, and writing a leg anew from its recording."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from desk.db.schema import calls, utterances
from desk.errors import NoSuchCall
from desk.text import parsed, storable
from desk.timeline import append
from desk.utterances.utterance import Utterance, row_of

REPLACED = "transcript.replaced"
MOST_TOLD = 20_000

_CALL = select(calls.c.ticket_id).where(calls.c.id == bindparam("of_call")).with_for_update()
_OF_CALL = (
    select(utterances)
    .where(utterances.c.call_id == bindparam("of_call"))
    .order_by(utterances.c.at, utterances.c.leg, utterances.c.number)
)
_OF_LEG = _OF_CALL.where(utterances.c.leg == bindparam("of_leg"))
_DELETE = delete(utterances).where(
    utterances.c.call_id == bindparam("of_call"), utterances.c.leg == bindparam("of_leg")
)
_INSERT = insert(utterances).inline()


def transcript(db: Connection, call_id: str) -> list[Utterance]:
    """What every party of a call said, in the order in which they began to say it."""
    return [_utterance(row) for row in db.execute(_OF_CALL, {"of_call": call_id})]


def replace(
    db: Connection, call_id: str, leg: str, new: Sequence[Utterance], now: datetime
) -> bool:
    """Put what was recognised in a leg's recording in the place of what was recognised live, or
    of nothing; `transcript.replaced`, with how many there were and are, and the new text. What
    was there stays in the timeline. The same again changes nothing, and returns False.

    Args:
        new: the leg's utterances, each with a number of its own. They are kept as not live.

    Raises:
        NoSuchCall: the call is not in the journal.
        ValueError: one of them belongs to another leg.
    """
    if any((utterance.call_id, utterance.leg) != (call_id, leg) for utterance in new):
        raise ValueError(f"utterances of another leg than {leg!r} of call {call_id!r}")
    call = db.execute(_CALL, {"of_call": call_id}).one_or_none()
    if call is None:
        raise NoSuchCall(call_id)
    which = {"of_call": call_id, "of_leg": leg}
    before = [_utterance(row) for row in db.execute(_OF_LEG, which)]
    rows = [row_of(dataclasses.replace(utterance, live=False)) for utterance in new]
    if sorted(rows, key=_number) == sorted(map(row_of, before), key=_number):
        return False
    db.execute(_DELETE, which)
    if rows:
        db.execute(_INSERT, rows)
    in_order = sorted(rows, key=lambda row: (row["at"], row["number"]))
    append(
        db,
        kind=REPLACED,
        body={
            "leg": leg,
            "party": (new[0] if new else before[0]).party,
            "before": len(before),
            "after": len(new),
            "text": storable("\n".join(row["text"] for row in in_order), MOST_TOLD),
            "engine": rows[0]["engine"] if rows else "",
        },
        now=now,
        call_id=call_id,
        ticket_id=call.ticket_id,
    )
    return True


def _number(row: dict[str, Any]) -> int:
    number: int = row["number"]
    return number


def _utterance(row: Any) -> Utterance:
    return Utterance(
        call_id=row.call_id,
        leg=row.leg,
        number=row.number,
        party=row.party,
        at=row.at,
        start=row.start_second,
        end=row.end_second,
        text=row.text,
        words=parsed(row.words),
        confidence=row.confidence,
        engine=row.engine,
        live=row.live,
    )
