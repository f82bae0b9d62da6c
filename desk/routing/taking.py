"""取下一单: the most urgent ticket that nobody is in charge of, for whoever asks; never the same
for two.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from desk.db.schema import sla_clocks, tickets
from desk.db.schema.routing import ticket_routes
from desk.house import House, Member, house_of
from desk.routing.editions import in_force
from desk.routing.errors import NothingToTake
from desk.routing.roster import roster_of
from desk.routing.ruleset import RANKS
from desk.tickets import steps
from desk.tickets.change import By
from desk.tickets.states import Status
from desk.tickets.ticket import Ticket

UNTAKEN = (Status.ACCEPTED, Status.ASSIGNED, Status.REOPENED, Status.ESCALATED)
_HEADS = 1  # from this rank on no skill is asked


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes a ticket.

    Attributes:
        names: by any of which the roster may know this person; the first becomes the assignee.
        everywhere: tickets of every team, not only those of `team` and of none.
    """

    names: tuple[str, ...]
    role: str
    team: str = ""
    everywhere: bool = False


def take_next(db: Connection, taker: Taker, now: datetime, *, by: By) -> Ticket:
    """Put the most urgent ticket that this person may take into his or her charge;
    `ticket.assigned`. The highest priority first, then the gravest level, then what is due first,
    then the oldest. What another is about to take is passed over.

    Raises:
        NothingToTake: nothing waits.
    """
    house = house_of(db)
    member = _member(db, house, taker.names)
    due = (
        select(func.min(sla_clocks.c.due_at))
        .where(sla_clocks.c.ticket_id == tickets.c.id, sla_clocks.c.state == "running")
        .scalar_subquery()
    )
    query = (
        select(tickets.c.id, tickets.c.version)
        .outerjoin(ticket_routes, ticket_routes.c.ticket_id == tickets.c.id)
        .where(
            tickets.c.assignee == "",
            tickets.c.status.in_([status.value for status in UNTAKEN]),
            *_may(db, taker, member),
        )
        .order_by(
            tickets.c.priority.desc(),
            case((tickets.c.level == 0, 5), else_=tickets.c.level),
            due.is_(None),
            due,
            tickets.c.opened_at,
            tickets.c.id,
        )
        .limit(1)
        .with_for_update(of=tickets, skip_locked=True)
    )
    row = db.execute(query).first()
    if row is None:
        raise NothingToTake(taker.names[0])
    name = member.name if member is not None else taker.names[0]
    return steps.assign(db, row.id, now, by=by, expected_version=row.version, assignee=name)


def _may(db: Connection, taker: Taker, member: Member | None) -> list[ColumnElement[bool]]:
    """What holds of the tickets that somebody may take."""
    rank = RANKS.get(taker.role, 0)
    found: list[ColumnElement[bool]] = []
    if not taker.everywhere:
        found.append(tickets.c.team.in_(sorted({"", taker.team})))
    if rank < _HEADS:
        skills = ("", *(member.skills if member is not None else ()))
        found.append(or_(ticket_routes.c.ticket_id.is_(None), ticket_routes.c.skill.in_(skills)))
    if member is not None and member.regions:
        regions = list(member.regions)
        found.append(
            or_(*(tickets.c[name].in_(regions) for name in ("area_code", "city", "province")))
        )
    book = in_force(db)
    above = [
        level
        for level, flow in (book.rules.levels.items() if book is not None else ())
        if RANKS.get(flow.role, 0) > rank
    ]
    if above:
        found.append(tickets.c.level.not_in(above))
    return found


def _member(db: Connection, house: House, names: Collection[str]) -> Member | None:
    """This person as the roster knows him or her."""
    return next((each for each in roster_of(db, house) if set(names) & set(each.names)), None)
