"""取下一单: the most urgent ticket, to whom may take it, and never the same to two."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from desk import routing, sla, tickets
from desk.db.engine import Database
from desk.house import Member
from desk.routing import NothingToTake, Taker
from desk.routing.levels import set_level, set_priority
from desk.sla import Book
from desk.sla.settings import SlaSettings
from desk.tickets import By, NewTicket, Role, Ticket, steps
from tests.desk.routing.cases import BEIJING, LATER, SYSTEM, begin
from tests.desk.routing.houses import MEMBERS, declare
from tests.rig.samples import NOW, TIANJIN

ZHANG = Taker(("agent:8001",), "agent", "tianjin")
LI = Taker(("agent:8002",), "agent", "tianjin")
LEAD = Taker(("lead.tj",), "lead", "tianjin")


def waiting(
    db: Connection, team: str = "tianjin", kind: str = "consult", minutes: int = 0
) -> Ticket:
    at = NOW + timedelta(minutes=minutes)
    ticket = tickets.open_ticket(db, NewTicket(kind, "问", caller=TIANJIN), at)
    return steps.assign(db, ticket.id, at, by=SYSTEM, expected_version=None, team=team)


def take(db: Connection, taker: Taker) -> Ticket:
    by = By(taker.names[0], Role(taker.role))
    return routing.take_next(db, taker, LATER, by=by)


async def test_the_highest_priority_then_the_gravest_then_the_oldest(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        late, early, grave, urgent = (waiting(c, minutes=m) for m in (3, 1, 4, 5))
        set_level(c, grave.id, 2, LATER, reason="")
        set_priority(c, urgent.id, 50, LATER, reason="")
        taken = [take(c, ZHANG).id for _ in range(4)]
        assert taken == [urgent.id, grave.id, early.id, late.id]
        with pytest.raises(NothingToTake):
            take(c, ZHANG)

    await db.write(work)


async def test_what_is_due_first_goes_before_what_is_older(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        old = waiting(c, kind="consult")
        soon = waiting(c, kind="repair", minutes=1)
        policies = [
            {"name": "repair", "types": ["repair"], "targets": {"resolution": {"due_minutes": 10}}},
            {"name": "all", "targets": {"resolution": {"due_minutes": 600}}},
        ]
        settings = SlaSettings.model_validate({"policies": policies})
        sla.apply(c, Book.from_settings(settings, "Asia/Shanghai"), NOW, actor="t")
        while sla.recompute(c, 100):
            pass
        assert [take(c, ZHANG).id, take(c, ZHANG).id] == [soon.id, old.id]

    await db.write(work)


async def test_who_takes_it_is_in_charge_from_then_on(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        waiting(c)
        taken = take(c, LI)
        assert (taken.status, taken.assignee, taken.team) == ("assigned", "agent:8002", "tianjin")

    await db.write(work)


async def test_nobody_takes_from_another_team_but_what_is_of_no_team_is_everybodys(
    db: Database,
) -> None:
    def work(c: Connection) -> None:
        declare(c)
        waiting(c, team="national")
        with pytest.raises(NothingToTake):
            take(c, ZHANG)
        nobodys = tickets.open_ticket(c, NewTicket("consult", "问"), NOW)
        assert take(c, ZHANG).id == nobodys.id
        everywhere = Taker(("boss",), "supervisor", everywhere=True)
        assert take(c, everywhere).team == "national"

    await db.write(work)


async def test_who_has_not_the_skill_is_not_given_it_by_taking(db: Database) -> None:
    def work(c: Connection) -> None:
        begin(c, members=(*MEMBERS[1:], MEMBERS[0].model_copy(update={"team": "away"})))
        ticket = tickets.open_ticket(c, NewTicket("repair", "坏了", caller=TIANJIN), NOW)
        routed = routing.route(c, ticket.id, NOW)
        assert (routed.team, routed.assignee) == ("tianjin", "")
        with pytest.raises(NothingToTake):
            take(c, LI)
        assert take(c, LEAD).id == ticket.id

    await db.write(work)


async def test_a_grave_ticket_is_for_leads(db: Database) -> None:
    def work(c: Connection) -> None:
        begin(c, members=MEMBERS[:3])
        new = NewTicket("complaint", "找律师", caller=TIANJIN)
        ticket = tickets.open_ticket(c, new, NOW)
        routed = routing.route(c, ticket.id, NOW)
        assert (routed.level, routed.assignee, routed.status) == (1, "", "escalated")
        with pytest.raises(NothingToTake):
            take(c, ZHANG)
        assert take(c, LEAD).id == ticket.id

    await db.write(work)


async def test_who_serves_one_region_gets_only_its_tickets(db: Database) -> None:
    def work(c: Connection) -> None:
        only = Member(name="agent:8009", team="tianjin", regions=("022",))
        declare(c, members=(only,))
        taker = Taker(("agent:8009",), "agent", "tianjin")
        far = tickets.open_ticket(c, NewTicket("consult", "问", caller=BEIJING), NOW)
        with pytest.raises(NothingToTake):
            take(c, taker)
        near = waiting(c)
        assert take(c, taker).id == near.id
        assert far.id != near.id

    await db.write(work)


async def test_two_who_take_at_once_never_get_the_same(database_url: str) -> None:
    async with (
        await Database.open(database_url, wait_seconds=30) as one,
        await Database.open(database_url, wait_seconds=30) as other,
    ):

        def work(c: Connection) -> None:
            declare(c)
            for minutes in range(12):
                waiting(c, minutes=minutes)

        await one.write(work)
        taken = await asyncio.gather(
            *(base.write(take, who) for _ in range(6) for base, who in ((one, ZHANG), (other, LI)))
        )
        assert len({ticket.id for ticket in taken}) == 12
        assert {ticket.assignee for ticket in taken} == {"agent:8001", "agent:8002"}
