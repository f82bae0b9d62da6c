"""The steps that a ticket has taken, from its timeline. Kinds alone tell them, so they can be
told after the words of the entries have been erased.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from desk.db.schema import tickets, timeline
from desk.db.types import moment
from desk.errors import NoSuchTicket
from desk.tickets.change import KINDS
from desk.tickets.lifecycle import replay
from desk.tickets.states import Action, Status

_ACTIONS = {kind: action for action, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """A step: from `at` on the ticket has been in `status`. The opening has no action, and `seq`
    0.
    """

    seq: int
    at: datetime
    action: Action | None
    status: Status
    actor: str


def of_ticket(db: Connection, ticket_id: int) -> list[Step]:
    """All steps of a ticket, its opening first.

    Raises:
        NoSuchTicket: there is none.
    """
    opened = db.execute(select(tickets.c.opened_at).where(tickets.c.id == ticket_id)).first()
    if opened is None:
        raise NoSuchTicket(ticket_id)
    rows = db.execute(
        select(timeline.c.seq, timeline.c.at, timeline.c.kind, timeline.c.actor)
        .where(timeline.c.ticket_id == ticket_id, timeline.c.kind.in_(_ACTIONS))
        .order_by(timeline.c.seq)
    ).all()
    statuses = replay(_ACTIONS[row.kind] for row in rows)
    steps = [Step(0, moment(opened.opened_at), None, next(statuses), "")]
    for row, status in zip(rows, statuses, strict=True):
        steps.append(Step(row.seq, moment(row.at), _ACTIONS[row.kind], status, row.actor))
    return steps
