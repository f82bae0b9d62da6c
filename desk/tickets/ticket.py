"""What a ticket is, and changing its description."""

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from desk.callers import caller_of
from desk.db.prepared import Prepared
from desk.db.schema import tickets
from desk.db.types import moment
from desk.errors import NoSuchTicket, VersionConflict
from desk.numbering import ticket_number
from desk.region.caller import Caller
from desk.text import parsed, storable
from desk.tickets.states import Status
from desk.timeline import append

ACCEPTED = Status.ACCEPTED.value
MOST_DESCRIPTION = 20_000

_one = select(tickets).where(tickets.c.id == bindparam("of_id"))
_ONE = Prepared(_one)
_FOR_CHANGE = Prepared(_one.with_for_update())
_DESCRIBE = Prepared(
    update(tickets)
    .where(tickets.c.id == bindparam("of_id"))
    .values(
        description=bindparam("new_description"),
        updated_at=bindparam("now"),
        version=tickets.c.version + 1,
    )
)
_Row = namedtuple("_Row", tickets.c.keys())  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket.

    Attributes:
        caller: who called and from where; nothing in it is known for a ticket made by hand.
        customer_id: the customer, if there is no doubt.
        candidate_customer_ids: every customer with the caller's number, where several have it:
            a person decides, it is never guessed.
        version: 1, then one more with every change.
        summary: what its calls were about, a line for each call that says something.
        found: what callers named: `numbers` (E.164) and `order_ids`, each a list without repeats.
        team, assignee: who is in charge, `""` while nobody is.
        solution: what solved it, as told to the customer.
        cycle: 1, then one more with every reopening.
        resolved_at, closed_at: of the present cycle.
        confirmation_id: what closed it; see `desk.tickets.confirmations`.
        void_reason: a key of `VOID_REASONS`.
        void_check: `wanted` where a supervisor is to look whether 作废 was right, then `passed`.
        survivor_id: the ticket into which it was merged; `status_before` is what it was then.
        level: 1, the gravest, to 4; 0 while nothing and nobody has set it.
        priority: the higher, the sooner it is taken.
        fields: values of the fields that its type declares, by name.
    """

    id: int
    type: str
    subject: str
    description: str
    status: str
    labels: tuple[str, ...]
    caller: Caller
    customer_id: int | None
    candidate_customer_ids: tuple[int, ...]
    call_id: str | None
    opened_at: datetime
    updated_at: datetime
    version: int
    summary: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)
    team: str = ""
    assignee: str = ""
    solution: str = ""
    cycle: int = 1
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    confirmation_id: int | None = None
    void_reason: str = ""
    void_check: str = ""
    survivor_id: int | None = None
    status_before: str = ""
    level: int = 0
    priority: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """What callers hear and say."""
        return ticket_number(self.id)

    @property
    def province(self) -> str:
        """The caller's province, `""` if unknown."""
        return self.caller.province

    @property
    def city(self) -> str:
        """The caller's city, `""` if unknown."""
        return self.caller.city

    @property
    def area_code(self) -> str:
        """The caller's area code, `""` if unknown."""
        return self.caller.area_code


def ticket_of(row: Any) -> Ticket:
    """The ticket in a row of all columns."""
    return Ticket(
        id=row.id,
        type=row.type,
        subject=row.subject,
        description=row.description,
        status=row.status,
        labels=tuple(parsed(row.labels)),
        caller=caller_of(row),
        customer_id=row.customer_id,
        candidate_customer_ids=tuple(parsed(row.candidate_customer_ids)),
        call_id=row.call_id,
        opened_at=moment(row.opened_at),
        updated_at=moment(row.updated_at),
        version=row.version,
        summary=row.summary,
        found=parsed(row.found),
        team=row.team,
        assignee=row.assignee,
        solution=row.solution,
        cycle=row.cycle,
        resolved_at=moment(row.resolved_at) if row.resolved_at is not None else None,
        closed_at=moment(row.closed_at) if row.closed_at is not None else None,
        confirmation_id=row.confirmation_id,
        void_reason=row.void_reason,
        void_check=row.void_check,
        survivor_id=row.survivor_id,
        status_before=row.status_before,
        level=row.level,
        priority=row.priority,
        fields=parsed(row.fields),
    )


def get(db: Connection, ticket_id: int) -> Ticket | None:
    """The ticket with this id."""
    row = _ONE.execute(db, {"of_id": ticket_id}).fetchone()
    return ticket_of(_Row._make(row)) if row is not None else None


def for_change(db: Connection, ticket_id: int) -> Ticket:
    """The ticket, which nobody else changes until this unit is over.

    Raises:
        NoSuchTicket: there is none.
    """
    row = _FOR_CHANGE.execute(db, {"of_id": ticket_id}).fetchone()
    if row is None:
        raise NoSuchTicket(ticket_id)
    return ticket_of(_Row._make(row))


def describe(
    db: Connection,
    ticket_id: int,
    description: str,
    now: datetime,
    *,
    actor: str = "system",
    version: int | None = None,
) -> Ticket:
    """Replace the description; `ticket.described`. The same text again changes nothing.

    Args:
        version: the version that the writer has seen, to refuse an overwrite unseen.

    Raises:
        NoSuchTicket: there is none.
        VersionConflict: it has changed since.
    """
    ticket = for_change(db, ticket_id)
    if version is not None and version != ticket.version:
        raise VersionConflict(f"ticket {ticket.number}", ticket.version, version)
    description = storable(description, MOST_DESCRIPTION)
    if description == ticket.description:
        return ticket
    _DESCRIBE.execute(db, {"of_id": ticket_id, "new_description": description, "now": now})
    append(
        db,
        kind="ticket.described",
        body={"description": description, "version": ticket.version + 1},
        now=now,
        call_id=ticket.call_id,
        ticket_id=ticket_id,
        customer_id=ticket.customer_id,
        actor=actor,
    )
    return replace(ticket, description=description, updated_at=now, version=ticket.version + 1)
