"""The digest of a call, and what a ticket says of its calls together.

A call keeps its own digest, so that one made again (after a better transcript) takes the place of
the first, and a ticket that is opened or joined later has it too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from desk.db.prepared import Prepared
from desk.db.schema import calls, tickets
from desk.text import canonical, parsed, storable
from desk.tickets.of_call import call_for_change
from desk.tickets.ticket import Ticket, for_change
from desk.timeline import append

MOST_SUMMARY = 500
MOST_FOUND = 50
MOST_TOGETHER = 5000

_KEEP = Prepared(
    update(calls).where(calls.c.id == bindparam("of_id")).values(digest=bindparam("new_digest"))
)
_OF_TICKET = Prepared(
    select(calls.c.digest)
    .where(calls.c.ticket_id == bindparam("of_ticket"), calls.c.digest.is_not(None))
    .order_by(calls.c.received_at, calls.c.id)
)
_WRITE = Prepared(
    update(tickets)
    .where(tickets.c.id == bindparam("of_id"))
    .values(
        summary=bindparam("new_summary"),
        found=bindparam("new_found"),
        updated_at=bindparam("now"),
        version=tickets.c.version + 1,
    )
)


@dataclass(frozen=True, slots=True)
class Digest:
    """What a call was about.

    Attributes:
        summary: a sentence or two; `""` if nothing was said.
        numbers: telephone numbers that were named.
        order_ids: order numbers that were named.
        engine: what made it.
    """

    summary: str
    numbers: Sequence[str] = ()
    order_ids: Sequence[str] = ()
    engine: str = ""


def add_digest(db: Connection, call_id: str, digest: Digest, now: datetime) -> Ticket | None:
    """Keep the digest of a call; `digest.added`. It takes the place of an earlier one of the same
    call; the same again changes nothing. Returns the call's ticket, if it has one by now: its
    summary and what was found are those of all its calls.

    Raises:
        NoSuchCall: the call is not in the journal.
    """
    call = call_for_change(db, call_id)
    body = {
        "summary": storable(digest.summary, MOST_SUMMARY),
        "numbers": _once(digest.numbers),
        "order_ids": _once(digest.order_ids),
        "engine": storable(digest.engine, 200),
    }
    text = canonical(body)
    ticket = for_change(db, call.ticket_id) if call.ticket_id is not None else None
    if call.digest == text:
        return ticket
    _KEEP.execute(db, {"of_id": call_id, "new_digest": text})
    if ticket is not None:
        ticket = gather(db, ticket, now)
    append(
        db,
        kind="digest.added",
        body=body,
        now=now,
        call_id=call_id,
        ticket_id=call.ticket_id,
        customer_id=ticket.customer_id if ticket is not None else None,
    )
    return ticket


def gather(db: Connection, ticket: Ticket, now: datetime) -> Ticket:
    """Write into a ticket, which is held for change, what the digests of its calls say."""
    rows = _OF_TICKET.execute(db, {"of_ticket": ticket.id}).fetchall()
    summary, found = told_by_digests(text for (text,) in rows)
    if (summary, found) == (ticket.summary, ticket.found):
        return ticket
    values = {
        "of_id": ticket.id,
        "new_summary": summary,
        "new_found": canonical(found),
        "now": now,
    }
    _WRITE.execute(db, values)
    return replace(ticket, summary=summary, found=found, updated_at=now, version=ticket.version + 1)


def told_by_digests(texts: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Summary and findings of kept digests together, in their order and each once."""
    kept = [parsed(text) for text in texts]
    if not kept:
        return "", {}
    summary = "\n".join(dict.fromkeys(each["summary"] for each in kept if each["summary"]))
    found = {
        key: _once([value for each in kept for value in each[key]])
        for key in ("numbers", "order_ids")
    }
    return summary[:MOST_TOGETHER], found


def _once(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(storable(value, 60) for value in values))[:MOST_FOUND]
