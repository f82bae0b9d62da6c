"""Which cases a caller may be ringing about: what the line can tell at once, or ask about.

The rule (`choose`, pure): a case is the caller's if it is of one of the caller's customers or was
opened from the caller's number; of a merged one, its survivor. Those that still go on count, and
those closed in the last seven days, which the caller can open again.

- Asked about first (`to_confirm`): the case that was resolved last and waits for its
  confirmation. Asking about more than one would be an examination.
- Told of (`to_tell`): the most urgent open case: of the highest priority, then what is due first,
  then the one in which something happened last. `others` stand in that order, too.
- `lately_closed`: the one closed last. It matters only if the caller says so.
- `certain`: the number belongs to one person as far as we know: one customer has it, or nobody
  has and it is not withheld. Otherwise (several customers share it) nothing of a case is said
  before the ticket's number is keyed in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, literal_column, or_, select

from desk.db.prepared import Prepared
from desk.db.schema import sla_clocks, tickets
from desk.db.types import moment
from desk.tickets.states import ALIVE, OPEN, Status
from desk.tickets.survivors import survivor_of
from desk.tickets.ticket import Ticket, get, ticket_of

MOST = 50
LATELY = timedelta(days=7)
_NEVER = datetime.max.replace(tzinfo=UTC)
_GOING_ON = (*sorted(status.value for status in ALIVE), Status.MERGED.value)

_alive = tickets.c.status.in_([literal_column(f"'{status}'") for status in _GOING_ON])
_OF_NUMBER = Prepared(
    select(tickets.c.id).where(tickets.c.e164 == bindparam("number"), _alive).limit(1)
)
_OF_CUSTOMER = Prepared(
    select(tickets.c.id).where(tickets.c.customer_id == bindparam("customer"), _alive).limit(1)
)


@dataclass(frozen=True, slots=True)
class Cases:
    """A caller's cases; see the rule above. `others`: the rest of those that go on."""

    to_confirm: Ticket | None
    to_tell: Ticket | None
    lately_closed: Ticket | None
    others: tuple[Ticket, ...]
    certain: bool

    @property
    def best(self) -> Ticket | None:
        """The one that a further call joins, if it is about any of them."""
        return self.to_confirm or self.to_tell


def has_any(db: Connection, customer_ids: Sequence[int], e164: str) -> bool:
    """Whether a caller may have a case that goes on: a look that costs a call next to nothing."""
    if e164 and _OF_NUMBER.execute(db, {"number": e164}).fetchone() is not None:
        return True
    return any(
        _OF_CUSTOMER.execute(db, {"customer": one}).fetchone() is not None for one in customer_ids
    )


def open_of(db: Connection, customer_ids: Sequence[int], e164: str, now: datetime) -> Cases:
    """The cases of a caller.

    Args:
        customer_ids: every customer with the caller's number.
        e164: the caller's number; `""` if it is withheld.
    """
    whose = []
    if e164:
        whose.append(tickets.c.e164 == e164)
    if customer_ids:
        whose.append(tickets.c.customer_id.in_(customer_ids))
    if not whose:
        return choose((), customer_ids, e164, now, {})
    lately = and_(tickets.c.status == Status.CLOSED.value, tickets.c.closed_at >= now - LATELY)
    query = (
        select(tickets)
        .where(or_(*whose), or_(tickets.c.status.in_(_GOING_ON), lately))
        .order_by(tickets.c.id.desc())
        .limit(MOST)
    )
    found: dict[int, Ticket] = {}
    for row in db.execute(query).all():
        ticket: Ticket | None = ticket_of(row)
        if row.status == Status.MERGED:
            ticket = get(db, survivor_of(db, row.id))
        if ticket is not None:
            found[ticket.id] = ticket
    return choose(found.values(), customer_ids, e164, now, _due(db, found))


def _due(db: Connection, ticket_ids: Iterable[int]) -> Mapping[int, datetime]:
    """When the first of each case's running clocks is due."""
    query = (
        select(sla_clocks.c.ticket_id, func.min(sla_clocks.c.due_at).label("due_at"))
        .where(
            sla_clocks.c.ticket_id.in_(list(ticket_ids)),
            sla_clocks.c.state == literal_column("'running'"),
            sla_clocks.c.due_at.is_not(None),
        )
        .group_by(sla_clocks.c.ticket_id)
    )
    return {row.ticket_id: moment(row.due_at) for row in db.execute(query)}


def choose(
    cases: Iterable[Ticket],
    customer_ids: Sequence[int],
    e164: str,
    now: datetime,
    due: Mapping[int, datetime],
) -> Cases:
    """Apply the rule to a caller's cases, whatever their status; `due`: when, by case."""
    newest = sorted(cases, key=lambda case: (case.updated_at, case.id), reverse=True)
    resolved = [case for case in newest if case.status == Status.RESOLVED]
    going_on = [case for case in newest if case.status in OPEN]
    closed = [
        case
        for case in newest
        if case.status == Status.CLOSED and case.closed_at and now - case.closed_at <= LATELY
    ]
    going_on.sort(key=lambda case: (-case.priority, due.get(case.id, _NEVER)))
    resolved.sort(key=lambda case: case.resolved_at or case.updated_at, reverse=True)
    return Cases(
        to_confirm=resolved[0] if resolved else None,
        to_tell=going_on[0] if going_on else None,
        lately_closed=max(closed, key=lambda case: case.closed_at or now) if closed else None,
        others=(*resolved[1:], *going_on[1:]),
        certain=bool(e164) and len(customer_ids) <= 1,
    )
