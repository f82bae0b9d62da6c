"""Opening a ticket: at most one per call, whoever asks and how often."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, update

from desk.callers import CALLER_COLUMNS, caller_body, caller_columns, caller_of, canonical_list
from desk.db.prepared import Prepared
from desk.db.schema import tickets
from desk.numbering import ticket_number
from desk.region.caller import Caller
from desk.text import canonical, parsed, storable
from desk.tickets.digest import told_by_digests
from desk.tickets.of_call import CallRow, call_for_change, link, told_in
from desk.tickets.ticket import ACCEPTED, MOST_DESCRIPTION, Ticket, for_change
from desk.timeline import append

MOST_LABELS = 50
_NOBODY = Caller(input="", kind="unknown")
_NAMES = (
    *("type", "subject", "description", "status", "labels", *CALLER_COLUMNS, "customer_id"),
    *("candidate_customer_ids", "call_id", "opened_at", "updated_at", "version"),
    *("summary", "found"),
)  # what the lifecycle adds later has defaults

_INSERT = Prepared(insert(tickets).returning(tickets.c.id), names=_NAMES)
_ADD = Prepared(
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
    call = call_for_change(db, new.call_id) if new.call_id is not None else None
    if call is not None and call.ticket_id is not None:
        return _add_to(db, call.ticket_id, new, now, actor)
    return _open(db, new, call, now, actor)


def _open(
    db: Connection, new: NewTicket, call: CallRow | None, now: datetime, actor: str
) -> Ticket:
    caller, customer_ids, description = new.caller, new.customer_ids, new.description
    if call is not None:
        caller = caller or caller_of(call)
        customer_ids = customer_ids or tuple(parsed(call.customer_ids))
        description = description or told_in(db, call.id)
    caller = caller or _NOBODY
    summary, found = told_by_digests([call.digest] if call is not None and call.digest else [])
    ticket = Ticket(
        id=0,
        type=storable(new.type, 60),
        subject=storable(new.subject, 300),
        description=storable(description, MOST_DESCRIPTION),
        status=ACCEPTED,
        labels=labels_of(new.labels),
        caller=caller,
        customer_id=customer_ids[0] if len(customer_ids) == 1 else None,
        candidate_customer_ids=customer_ids if len(customer_ids) > 1 else (),
        call_id=new.call_id,
        opened_at=now,
        updated_at=now,
        version=1,
        summary=summary,
        found=found,
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
        "summary": summary,
        "found": canonical(found),
    }
    [[ticket_id]] = _INSERT.execute(db, row).fetchall()
    if call is not None:
        link(db, call.id, ticket_id)
    append(
        db,
        kind="ticket.opened",
        body={
            "number": ticket_number(ticket_id),
            "type": ticket.type,
            "subject": ticket.subject,
            "description": ticket.description,
            "summary": summary,
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


def _add_to(db: Connection, ticket_id: int, new: NewTicket, now: datetime, actor: str) -> Ticket:
    ticket = for_change(db, ticket_id)
    labels = labels_of((*ticket.labels, *new.labels))
    description = ticket.description or storable(new.description, MOST_DESCRIPTION)
    if labels == ticket.labels and description == ticket.description:
        return ticket
    values = {
        "of_id": ticket_id,
        "new_labels": canonical_list(labels),
        "new_description": description,
        "now": now,
    }
    _ADD.execute(db, values)
    append(
        db,
        kind="ticket.joined",
        body={"labels": labels, "description": description, "version": ticket.version + 1},
        now=now,
        call_id=new.call_id,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
    return replace(
        ticket, labels=labels, description=description, updated_at=now, version=ticket.version + 1
    )


def labels_of(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels as a ticket keeps them: each once, in the order given, bounded."""
    return tuple(dict.fromkeys(storable(label, 60) for label in labels))[:MOST_LABELS]
