"""One sees one's own, the team's, or everybody's: the same in Python, in SQL, in the stream."""

from itertools import product

import pytest
from sqlalchemy import Connection, select

from desk import customers, journal, talks, tickets, timeline
from desk.access import COLUMNS, TABLE, UNMASKED, Place, Principal, Reach, Role, place_of, whose
from desk.access.sight import sight_of
from desk.access.table import row
from desk.access.within import (
    calls_within,
    customers_within,
    entries_within,
    seen_calls,
    seen_tickets,
    tickets_within,
)
from desk.db.engine import Database
from desk.db.schema import calls as calls_table
from desk.db.schema import customers as customers_table
from desk.db.schema import tickets as tickets_table
from desk.talks import NewTalk
from desk.tickets import By, NewTicket, handovers, steps
from desk.tickets import Role as Acting
from tests.rig.samples import NOW, begin

BY = By("test", Acting.SUPERVISOR)
ME = Principal(
    "zhang", "account:1", Role.AGENT, "天津", None, names=("zhang", "agent:8001", "8001")
)
NOBODY_KNOWS = Principal("crm", "token:1", Role.INTEGRATION, names=("crm",))
TEAMS = ("", "天津", "北京")
PEOPLE = ("", "zhang", "agent:8001", "li")


def places(db: Connection) -> list[int]:
    """A ticket for each place there is; of each team also one that is offered to 天津."""
    made = []
    for team, person, offered in product(TEAMS, PEOPLE, (False, True)):
        ticket = tickets.open_ticket(db, NewTicket("complaint", "x"), NOW)
        if team or person:
            ticket = steps.assign(
                db, ticket.id, NOW, by=BY, expected_version=1, team=team, assignee=person
            )
        if offered and team != "天津":
            handovers.ask(db, ticket.id, "天津", "x", NOW, by=BY, expected_version=ticket.version)
        made.append(ticket.id)
    return made


def test_whose_a_ticket_is() -> None:
    assert whose(Place("北京", "zhang"), ME) is Reach.OWN
    assert whose(Place("天津", "li"), ME) is Reach.TEAM
    assert whose(Place("北京", "li", "天津"), ME) is Reach.TEAM
    assert whose(Place(), ME) is Reach.TEAM
    assert whose(Place(), NOBODY_KNOWS) is Reach.TEAM
    assert whose(Place("北京", ""), ME) is Reach.OTHER
    assert whose(Place("", "li"), NOBODY_KNOWS) is Reach.OTHER, "no team is not a team"


@pytest.mark.parametrize("who", [ME, NOBODY_KNOWS], ids=["agent", "without a team"])
@pytest.mark.parametrize("reach", list(Reach))
async def test_the_database_filters_tickets_exactly_as_the_table_says(
    db: Database, who: Principal, reach: Reach
) -> None:
    made = await db.write(places)

    def both(connection: Connection) -> tuple[set[int], set[int]]:
        found = select(tickets_table.c.id).where(tickets_within(who, reach))
        expected = set()
        for ticket_id in made:
            ticket = tickets.get(connection, ticket_id)
            assert ticket is not None
            if whose(place_of(connection, ticket), who) <= reach:
                expected.add(ticket_id)
        return set(connection.execute(found).scalars()), expected

    found, expected = await db.read(both)
    assert found == expected
    assert await db.read(seen_tickets, who, reach, made) == expected
    listed = await db.read(
        lambda c: tickets.search(c, limit=200, within=tickets_within(who, reach))
    )
    assert {ticket.id for ticket in listed} == expected


def three_calls(db: Connection) -> None:
    """c1: his team's ticket; c2: another team's, c3: another's, in which he talked; c4: none."""
    customers.import_csv(db, "name,numbers\n张三,022-53456789\n李四,010-65005000\n", NOW)
    for number, (call, team) in enumerate((("c1", "天津"), ("c2", "北京"), ("c3", "北京")), 1):
        begin(db, call)
        customer = (1, 2, 2)[number - 1]
        new = NewTicket("complaint", "x", call_id=call, customer_ids=(customer,))
        tickets.open_ticket(db, new, NOW)
        steps.assign(db, number, NOW, by=BY, expected_version=1, team=team)
    begin(db, "c4")
    talks.begin(db, NewTalk("leg", "c3", "8001", NOW))
    timeline.append(db, kind="token.created", body={}, now=NOW)
    timeline.append(db, kind="agent.state", body={"extension": "8001"}, now=NOW)


async def test_calls_customers_and_entries_follow_their_ticket(db: Database) -> None:
    await db.write(three_calls)

    def seen(connection: Connection, reach: Reach) -> tuple[set[str], set[int]]:
        calls = select(calls_table.c.id).where(calls_within(ME, reach))
        whom = select(customers_table.c.id).where(customers_within(ME, reach))
        return set(connection.execute(calls).scalars()), set(connection.execute(whom).scalars())

    assert await db.read(seen, Reach.NONE) == (set(), set())
    assert await db.read(seen, Reach.OWN) == ({"c3"}, set())
    assert await db.read(seen, Reach.TEAM) == ({"c1", "c3", "c4"}, {1})
    assert await db.read(seen, Reach.OTHER) == ({"c1", "c2", "c3", "c4"}, {1, 2})
    listed = await db.read(lambda c: journal.search(c, within=calls_within(ME, Reach.TEAM)))
    assert {call.id for call in listed} == {"c1", "c3", "c4"}
    assert await db.read(seen_calls, ME, Reach.OWN, ["c1", "c3"]) == {"c3"}


@pytest.mark.parametrize("reach", list(Reach))
async def test_history_and_stream_show_the_same_entries(db: Database, reach: Reach) -> None:
    await db.write(three_calls)
    every = await db.read(timeline.entries_after, 0, 100)
    listed = await db.read(lambda c: timeline.entries_within(c, 0, 100, entries_within(ME, reach)))
    tickets_of = {one.ticket_id for one in every if one.ticket_id is not None}
    calls_of = {one.call_id for one in every if one.call_id is not None}
    sight = await db.read(sight_of, ME, reach, tickets_of, calls_of)
    streamed = [one for one in every if sight.has(one.kind, one.ticket_id, one.call_id)]
    assert [one.seq for one in listed] == [one.seq for one in streamed]
    kinds = {one.kind for one in streamed}
    assert "agent.state" in kinds
    assert ("token.created" in kinds) is (reach is Reach.OTHER)
    if reach is Reach.TEAM:
        assert {one.ticket_id for one in streamed} == {1, None}
        assert {one.call_id for one in streamed if one.ticket_id is None} == {
            "c3",
            "c4",
            "c1",
            None,
        }


def test_a_row_names_each_role_and_nothing_else() -> None:
    assert row("- o t a a a")[Role.TECHNICIAN] is Reach.OWN
    for wrong in ("- o t a a", "- o t a a a a", "x o t a a a", ""):
        with pytest.raises(ValueError, match="for each of"):
            row(wrong)


def test_higher_roles_reach_at_least_as_far() -> None:
    agent, _, lead, supervisor, administrator, _ = COLUMNS
    for operation, reach in {**TABLE, "unmasked": UNMASKED}.items():
        assert reach[agent] <= reach[lead] or reach[agent] is Reach.OTHER, operation
        assert reach[lead] <= reach[supervisor] <= reach[administrator], operation
