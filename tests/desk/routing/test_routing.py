"""Routing: a ticket goes to the right team and person by itself, and stays where people put it."""

from typing import Any

from sqlalchemy import Connection

from desk import agents, customers, journal, routing, talks, tickets, timeline
from desk.customers import CustomerRow
from desk.db.engine import Database
from desk.journal import NewCall
from desk.talks import NewTalk
from desk.tickets import NewTicket, Ticket, closing, fields, notes, steps
from tests.desk.routing.cases import (
    AGENT,
    BEIJING,
    LATER,
    LEAD,
    begin,
    customer,
    follow,
    now_of,
    opened,
)
from tests.desk.routing.houses import declare
from tests.rig.samples import NOW, TIANJIN
from tests.rig.samples import begin as call


def place(ticket: Ticket) -> tuple[str, str, str]:
    return ticket.status, ticket.team, ticket.assignee


async def routed(db: Database, kind: str = "complaint", **given: Any) -> Ticket:
    def work(c: Connection) -> Ticket:
        begin(c)
        return opened(c, kind, **given)

    ticket = await db.write(work)
    await follow(db)
    return await db.read(now_of, ticket)


async def kinds(db: Database, ticket: Ticket) -> list[str]:
    told = await db.read(timeline.entries_after, 0, 500)
    return [entry.kind for entry in told if entry.ticket_id == ticket.id]


async def test_a_ticket_from_tianjin_goes_to_the_tianjin_team(db: Database) -> None:
    ticket = await routed(db)
    assert place(ticket) == ("assigned", "tianjin", "agent:8001")
    assert (ticket.level, ticket.priority) == (4, 0)


async def test_a_ticket_from_elsewhere_goes_to_the_default_team(db: Database) -> None:
    ticket = await routed(db, caller=BEIJING)
    assert place(ticket) == ("assigned", "national", "agent:8003")


async def test_a_repair_goes_to_somebody_who_can(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        for _ in range(3):  # who can has much to do
            busy = tickets.open_ticket(c, NewTicket("consult", "x"), NOW)
            steps.assign(c, busy.id, NOW, by=AGENT, expected_version=1, assignee="agent:8001")
        return opened(c, "repair")

    ticket = await db.write(work)
    await follow(db)
    assert (await db.read(now_of, ticket)).assignee == "agent:8001"


async def test_of_two_who_can_the_one_with_less_to_do_gets_it(db: Database) -> None:
    def work(c: Connection) -> list[Ticket]:
        begin(c)
        return [opened(c, caller=TIANJIN) for _ in range(4)]

    found = await db.write(work)
    await follow(db)
    held = sorted([(await db.read(now_of, each)).assignee for each in found])
    assert held == ["agent:8001", "agent:8001", "agent:8002", "agent:8002"]


async def test_who_is_away_gets_nothing(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        agents.set_state(c, "8001", "away", "午餐", NOW)
        return opened(c)

    ticket = await db.write(work)
    await follow(db)
    assert (await db.read(now_of, ticket)).assignee == "agent:8002"


async def test_who_had_the_customers_last_ticket_gets_the_next(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        whose = customer(c, "普通")
        before = opened(c, customer_ids=(whose,))
        steps.assign(c, before.id, NOW, by=AGENT, expected_version=1, assignee="agent:8002")
        begin(c)
        return opened(c, customer_ids=(whose,))

    ticket = await db.write(work)
    await follow(db)
    assert (await db.read(now_of, ticket)).assignee == "agent:8002"


async def test_nobody_is_in_charge_where_nobody_can_but_the_team_is(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        declare(c, members=())
        return opened(c)

    ticket = await db.write(work)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("assigned", "tianjin", "")


async def test_while_the_call_goes_on_its_ticket_stays_with_who_talks(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        call(c)
        talks.begin(c, NewTalk("leg", "c1", "8002", NOW))
        return opened(c, call_id="c1")

    ticket = await db.write(work)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("accepted", "", "")
    await db.write(journal.end, "c1", "hangup", LATER)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("assigned", "tianjin", "agent:8002")


async def test_the_type_is_what_the_caller_chose_in_the_menu(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        call(c)
        journal.note(c, "c1", "menu.chosen", {"menu": "main", "key": "2", "label": "报修"}, NOW)
        ticket = opened(c, "call", call_id="c1")
        journal.end(c, "c1", "hangup", NOW)
        return ticket

    ticket = await db.write(work)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.type, found.level, found.assignee) == ("repair", 3, "agent:8001")


async def test_it_follows_what_a_rule_depends_on(db: Database) -> None:
    ticket = await routed(db)

    def fill(c: Connection) -> Ticket:
        return fields.set_fields(
            c, ticket.id, {"product": "软件"}, LATER, by=AGENT, expected_version=ticket.version
        )

    await db.write(fill)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("assigned", "national", "agent:8003")


async def test_a_customer_who_becomes_a_better_one_is_served_so_at_once(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        return opened(c, customer_ids=(customer(c, "普通"),))

    ticket = await db.write(work)
    await follow(db)
    assert (await db.read(now_of, ticket)).level == 4
    row = CustomerRow(1, "k1", "王先生", "", "金牌", ("+862253456789",), "", "")
    await db.write(customers.upsert, [row], LATER)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.priority) == (2, 40)
    route = await db.read(routing.route_of, ticket.id)
    assert route is not None
    assert route.confirm == "handler"


async def test_whom_a_person_put_in_charge_stays(db: Database) -> None:
    ticket = await routed(db)

    def by_hand(c: Connection) -> Ticket:
        moved = steps.assign(
            c, ticket.id, LATER, by=LEAD, expected_version=ticket.version, assignee="agent:8002"
        )
        return fields.set_fields(
            c, ticket.id, {"product": "软件"}, LATER, by=AGENT, expected_version=moved.version
        )

    await db.write(by_hand)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("assigned", "tianjin", "agent:8002")
    await db.write(lambda c: routing.route(c, ticket.id, LATER, again=True))
    assert place(await db.read(now_of, ticket)) == ("assigned", "national", "agent:8003")


async def test_work_that_has_begun_is_taken_from_nobody(db: Database) -> None:
    ticket = await routed(db)

    def work(c: Connection) -> None:
        begun = steps.start(c, ticket.id, LATER, by=AGENT, expected_version=ticket.version)
        fields.set_fields(
            c, ticket.id, {"product": "软件"}, LATER, by=AGENT, expected_version=begun.version
        )

    await db.write(work)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("in_progress", "tianjin", "agent:8001")


async def test_a_reopened_case_stays_with_its_handler(db: Database) -> None:
    ticket = await routed(db)

    def work(c: Connection) -> None:
        seen = steps.start(c, ticket.id, LATER, by=AGENT, expected_version=ticket.version)
        seen = closing.resolve(c, ticket.id, "好了", LATER, by=AGENT, expected_version=seen.version)
        closing.reopen(c, ticket.id, "没好", LATER, by=AGENT, expected_version=seen.version)

    await db.write(work)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.assignee, found.priority) == ("agent:8001", 20)


async def test_the_same_again_writes_nothing(db: Database) -> None:
    ticket = await routed(db)
    before = await kinds(db, ticket)
    for _ in range(3):
        await db.write(routing.route, ticket.id, LATER)
    await db.write(lambda c: notes.add(c, ticket.id, "已联系", LATER, by=AGENT) and None)
    await follow(db)
    assert await kinds(db, ticket) == [*before, "note.added"]
    assert before[:3] == ["ticket.opened", "ticket.routed", "ticket.assigned"]


async def test_without_rules_in_force_nothing_is_routed(db: Database) -> None:
    ticket = await db.write(opened)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("accepted", "", "")


async def test_what_is_not_rolled_out_yet_does_nothing(db: Database) -> None:
    def work(c: Connection, switches: dict[str, bool]) -> Ticket:
        begin(c, switches=switches)
        return opened(c, description="我要找媒体")

    ticket = await db.write(work, {"routing.assignment": False})
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.assignee) == (1, "")
    ticket = await db.write(work, {"routing.levels": False})
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.assignee) == (0, "agent:8001")
    ticket = await db.write(work, {"routing.rules": False})
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("accepted", "", "")


async def test_a_ticket_that_has_ended_is_left_alone(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        ticket = opened(c)
        tickets.voiding.void(c, ticket.id, "test", NOW, by=AGENT, expected_version=1)
        return ticket

    ticket = await db.write(work)
    await follow(db)
    assert place(await db.read(now_of, ticket)) == ("void", "", "")


async def test_an_outbound_call_of_ours_changes_nothing(db: Database) -> None:
    ticket = await routed(db)
    before = await db.read(now_of, ticket)

    def work(c: Connection) -> None:
        new = NewCall("o1", "02253456789", "4001234567", TIANJIN, (), "outbound", ticket.id)
        journal.begin(c, new, LATER)
        journal.end(c, "o1", "hangup", LATER)

    await db.write(work)
    await follow(db)
    assert await db.read(now_of, ticket) == before
