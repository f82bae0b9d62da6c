"""Hand-overs that nobody took in time: each is marked once, whoever looks; it can still be taken.

Where the ticket's policy has a clock for hand-overs with steps, its escalation chain tells people
(`desk.sla.escalation`); where it has none, the mark itself does.
"""

from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from desk.chores import Chore
from desk.db.prepared import Prepared
from desk.db.schema import handovers, sla_clocks, tickets
from desk.db.types import moment
from desk.sla.projection import refresh
from desk.sla.settings import Target
from desk.tickets.change import SYSTEM
from desk.tickets.handovers import Handover, open_of_ticket, tell
from desk.tickets.states import Trigger
from desk.tickets.ticket import get

_clock = and_(
    sla_clocks.c.ticket_id == handovers.c.ticket_id,
    sla_clocks.c.target == str(Target.HAND_OVER),
    sla_clocks.c.ended_at.is_(None),
)
# Literal, so that both databases see that the partial index applies.
_UNMARKED = (
    select(handovers.c.id, handovers.c.ticket_id, handovers.c.due_at)
    .outerjoin(sla_clocks, _clock)
    .where(
        handovers.c.state == "open",
        handovers.c.overdue_at.is_(None),
        or_(sla_clocks.c.state.is_(None), sla_clocks.c.state == "running"),
    )
    .order_by(handovers.c.due_at)
)
_CLAIM = Prepared(
    select(tickets.c.id)
    .where(tickets.c.id == bindparam("of_ticket"))
    .with_for_update(skip_locked=True)
)


def overdue_chores() -> list[Chore]:
    """Marks hand-overs in time."""
    return [Chore("handovers.overdue", _mark, next_overdue)]


def next_overdue(db: Connection) -> datetime | None:
    """When the next hand-over will be overdue if nothing happens."""
    row = db.execute(_UNMARKED.limit(1)).first()
    return moment(row.due_at) if row is not None else None


def mark_overdue(db: Connection, now: datetime, limit: int = 20) -> list[Handover]:
    """Mark open hand-overs whose time is over, each once whoever asks; `handover.overdue`. The
    ticket's version stays. Returns those marked now, at most `limit`.

    Their clocks are reckoned anew first: one whose ticket just began to wait is not overdue.
    """
    over = _UNMARKED.where(handovers.c.due_at <= now).limit(limit)
    marked = []
    for row in db.execute(over).all():
        if _CLAIM.execute(db, {"of_ticket": row.ticket_id}).fetchone() is None:
            continue  # it is being changed; it is looked at again
        clock = next(
            (c for c in refresh(db, row.ticket_id)
             if c.target is Target.HAND_OVER and c.ended_at is None), None
        )  # fmt: skip
        ticket, there = get(db, row.ticket_id), open_of_ticket(db, row.ticket_id)
        if ticket is None or there is None or there.id != row.id or there.overdue_at is not None:
            continue  # another process was faster
        if there.due_at > now or (clock is not None and clock.due_at is None):
            continue
        db.execute(update(handovers).where(handovers.c.id == row.id).values(overdue_at=now))
        chain_tells = clock is not None and bool(clock.steps)
        triggers = [] if chain_tells else [Trigger.NOTIFY_ESCALATION.value]
        body = {"due_at": there.due_at, "triggers": triggers}
        tell(db, ticket, "handover.overdue", there, body, now, SYSTEM)
        marked.append(there)
    return marked


def _mark(db: Connection, now: datetime, limit: int) -> int:
    return len(mark_overdue(db, now, limit))
