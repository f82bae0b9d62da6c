"""Opening a ticket: at most one per call, whoever asks and how often."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from desk.callers import caller_body, caller_columns, caller_of, canonical_list
from desk.db.prepared import Prepared
from desk.db.schema import calls, recordings, tickets, transcripts
from desk.errors import NoSuchCall
from desk.numbering import ticket_number
from desk.region.caller import Caller
from desk.text import parsed, storable
from desk.tickets.ticket import ACCEPTED, MOST_DESCRIPTION, Ticket, for_change
from desk.timeline import append

MOST_LABELS = 50
_NOBODY = Caller(input="", kind="unknown")

_CALL = select(calls).where(calls.c.id == bindparam("of_id")).with_for_update()
_INSERT = insert(tickets)
_LINK = Prepared(
    update(calls).where(calls.c.id == bindparam("of_id")).values(ticket_id=bindparam("new_ticket"))
)
_TOLD = Prepared(
    select(transcripts.c.text)
    .join(recordings, recordings.c.id == transcripts.c.recording_id)
    .where(recordings.c.call_id == bindparam("of_id"))
    .order_by(recordings.c.id)
)
_JOIN = (
    update(tickets)
    .where(tickets.c.id == bindparam("of_id"))
    .values(
        labels=bindparam("new_labels"),
        description=bindparam("new_description"),
        updated_at=bindparam("now"),
        version=tickets.c.version + 1,
    )
)


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to open. What is not given is taken from the call.

    Attributes:
        type: a key of `tickets.types` in config.yaml.
        labels: like `地区:天津`.
    """

    type: str
    subject: str
    description: str = ""
    call_id: str | None = None
    caller: Caller | None = None
    customer_ids: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


def open_ticket(db: Connection, new: NewTicket, now: datetime, *, actor: str = "system") -> Ticket:
    """Open a ticket; `ticket.opened`. For a call that has one, return that one: new labels and a
    missing description are added to it (`ticket.joined`), type and subject stay.

    Raises:
        NoSuchCall: `call_id` is not in the journal.
    """
    call = None
    if new.call_id is not None:
        call = db.execute(_CALL, {"of_id": new.call_id}).one_or_none()
        if call is None:
            raise NoSuchCall(new.call_id)
        if call.ticket_id is not None:
            return _join(db, call.ticket_id, new, now, actor)
    return _open(db, new, call, now, actor)


def _open(db: Connection, new: NewTicket, call: Any, now: datetime, actor: str) -> Ticket:
    caller, customer_ids, description = new.caller, new.customer_ids, new.description
    if call is not None:
        caller = caller or caller_of(call)
        customer_ids = customer_ids or tuple(parsed(call.customer_ids))
        description = description or "\n".join(
            text for (text,) in _TOLD.execute(db, {"of_id": call.id}).fetchall()
        )
    caller = caller or _NOBODY
    ticket = Ticket(
        id=0,
        type=storable(new.type, 60),
        subject=storable(new.subject, 300),
        description=storable(description, MOST_DESCRIPTION),
        status=ACCEPTED,
        labels=_labels(new.labels),
        caller=caller,
        customer_id=customer_ids[0] if len(customer_ids) == 1 else None,
        candidate_customer_ids=customer_ids if len(customer_ids) > 1 else (),
        call_id=new.call_id,
        opened_at=now,
        updated_at=now,
        version=1,
    )
    row = {
        "type": ticket.type,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status,
        "labels": canonical_list(ticket.labels),
        **caller_columns(caller),
        "customer_id": ticket.customer_id,
        "candidate_customer_ids": canonical_list(ticket.candidate_customer_ids),
        "call_id": ticket.call_id,
        "opened_at": now,
        "updated_at": now,
        "version": 1,
    }
    ticket_id: int = db.execute(_INSERT, row).inserted_primary_key[0]  # type: ignore[index]
    if call is not None:
        _LINK.execute(db, {"of_id": call.id, "new_ticket": ticket_id})
    append(
        db,
        kind="ticket.opened",
        body={
            "number": ticket_number(ticket_id),
            "type": ticket.type,
            "subject": ticket.subject,
            "description": ticket.description,
            "status": ticket.status,
            "labels": ticket.labels,
            "caller": caller_body(caller),
            "candidate_customer_ids": ticket.candidate_customer_ids,
        },
        now=now,
        call_id=ticket.call_id,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
    return replace(ticket, id=ticket_id)


def _join(db: Connection, ticket_id: int, new: NewTicket, now: datetime, actor: str) -> Ticket:
    ticket = for_change(db, ticket_id)
    labels = _labels((*ticket.labels, *new.labels))
    description = ticket.description or storable(new.description, MOST_DESCRIPTION)
    if labels == ticket.labels and description == ticket.description:
        return ticket
    values = {
        "of_id": ticket_id,
        "new_labels": canonical_list(labels),
        "new_description": description,
        "now": now,
    }
    db.execute(_JOIN, values)
    append(
        db,
        kind="ticket.joined",
        body={"labels": labels, "description": description, "version": ticket.version + 1},
        now=now,
        call_id=ticket.call_id,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
    return for_change(db, ticket_id)


def _labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Each once, in the order given, bounded."""
    return tuple(dict.fromkeys(storable(label, 60) for label in labels))[:MOST_LABELS]
