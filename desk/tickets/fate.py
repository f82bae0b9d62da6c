"""已合并: a merged ticket shares its survivor's fate, and its own timeline tells it: whoever keeps
the merged one in mind (a CRM, a page) hears that the matter was solved, came back or ended.
"""

from datetime import datetime

from sqlalchemy import Connection

from desk.chores import Chore, Entry, follower
from desk.numbering import ticket_number
from desk.tickets.change import KINDS
from desk.tickets.states import Action
from desk.tickets.survivors import family
from desk.tickets.ticket import get
from desk.timeline import append

KIND = "ticket.followed"
DECIDED = tuple(
    KINDS[action]
    for action in (
        Action.RESOLVE,
        Action.CONFIRM,
        Action.OVERRIDE,
        Action.SOLVE_IN_CALL,
        Action.REOPEN,
        Action.VOID,
    )
)


def fate_chores() -> list[Chore]:
    """Tell it at every ticket that was merged into the one to which it happened."""
    return [follower("tickets.fate", DECIDED, _tell)]


def _tell(db: Connection, entry: Entry, now: datetime) -> None:
    if entry.ticket_id is None or entry.kind not in DECIDED:
        return
    for ticket_id in family(db, entry.ticket_id):
        merged = get(db, ticket_id) if ticket_id != entry.ticket_id else None
        if merged is None:
            continue
        append(
            db,
            kind=KIND,
            body={
                "number": merged.number,
                "survivor": ticket_number(entry.ticket_id),
                "status": entry.body.get("status", ""),
                "cycle": entry.body.get("cycle", 0),
            },
            now=now,
            ticket_id=ticket_id,
            customer_id=merged.customer_id,
            actor=entry.actor,
        )
