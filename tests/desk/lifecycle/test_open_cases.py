"""A caller hears of the right case, and of none that may be another's."""

from datetime import timedelta

from sqlalchemy import Connection, insert, update

from desk import customers, tickets
from desk.db.engine import Database
from desk.db.schema import sla_clocks, sla_editions
from desk.db.schema import tickets as tickets_table
from desk.tickets import Ticket, closing, merging, open_of
from desk.tickets.open_cases import has_any
from tests.desk.lifecycle.cases import AGENT, LATER, SUPERVISOR, begun, closed, opened, resolved
from tests.rig.samples import NOW, TIANJIN

DAY = timedelta(days=1)


def ids(*cases: Ticket | None) -> list[int | None]:
    return [case.id if case is not None else None for case in cases]


async def test_a_case_that_waits_for_the_callers_word_comes_first(db: Database) -> None:
    old = await db.write(begun, "c1")
    waits = await db.write(resolved, "c2")
    newest = await db.write(opened, "c3")
    done = await db.write(closed, "c4")
    cases = await db.read(open_of, (), TIANJIN.e164, LATER)
    assert ids(cases.to_confirm, cases.to_tell, cases.lately_closed) == [
        waits.id,
        newest.id,
        done.id,
    ]
    assert ids(cases.best, *cases.others) == [waits.id, old.id]
    assert cases.certain


async def test_of_several_open_cases_the_most_urgent_is_told(db: Database) -> None:
    """Priority first, then what is due first; when something happened last says least."""

    def prepared(connection: Connection) -> list[int]:
        edition = {"edition": 1, "content": "{}", "applied_at": NOW, "actor": "test"}
        connection.execute(insert(sla_editions), {**edition, "recomputed": 0, "to_recompute": 0})
        made = [opened(connection, f"c{number}").id for number in range(4)]
        states = ("running", "running", "met", "running")
        for ticket_id, hours, state in zip(made, (9, 3, 1, 2), states, strict=True):
            clock = {
                "ticket_id": ticket_id, "target": "resolution", "cycle": 1, "edition": 1,
                "policy": "p", "kind": "wall", "team": "", "state": state, "started_at": NOW,
                "elapsed_us": 0, "counted_at": NOW, "due_seconds": 60,
                "due_at": NOW + timedelta(hours=hours),
            }  # fmt: skip
            connection.execute(insert(sla_clocks), clock)
        first = update(tickets_table).where(tickets_table.c.id == made[0])
        connection.execute(first.values(priority=20))
        return made

    made = await db.write(prepared)
    cases = await db.read(open_of, (), TIANJIN.e164, LATER)
    assert ids(cases.to_tell, *cases.others) == [made[0], made[3], made[1], made[2]]


async def test_what_was_closed_more_than_a_week_ago_is_no_longer_the_matter(db: Database) -> None:
    done = await db.write(closed)
    week = await db.read(open_of, (), TIANJIN.e164, LATER + 7 * DAY)
    assert ids(week.lately_closed, week.best) == [done.id, None]
    later = await db.read(open_of, (), TIANJIN.e164, LATER + 8 * DAY)
    assert later.lately_closed is None


async def test_of_a_merged_case_the_survivor_is_told_even_if_it_is_anothers(db: Database) -> None:
    mine = await db.write(opened)
    other = await db.write(tickets.open_ticket, tickets.NewTicket("complaint", "同一批次"), NOW)
    await db.write(merging.merge, mine.id, other.id, NOW, by=AGENT, expected_version=1)
    cases = await db.read(open_of, (), TIANJIN.e164, NOW)
    assert ids(cases.to_tell) == [other.id]


async def test_a_withheld_or_shared_number_is_certain_of_nobody(db: Database) -> None:
    file = "name,numbers\n张三,022-53456789\n李四,022-53456789;13812345678\n"
    await db.write(customers.import_csv, file, NOW)
    both = [c.id for c in await db.read(customers.find_by_number, TIANJIN.e164)]
    await db.write(opened)
    nobody = await db.read(open_of, (), "", NOW)
    assert (nobody.best, nobody.certain) == (None, False)
    shared = await db.read(open_of, both, TIANJIN.e164, NOW)
    assert (shared.certain, shared.to_tell is not None) == (False, True)


async def test_a_customers_case_is_found_from_another_of_the_customers_numbers(
    db: Database,
) -> None:
    await db.write(customers.import_csv, "name,numbers\n李四,13812345678\n", NOW)
    [customer] = await db.read(customers.find_by_number, "+8613812345678")
    ticket = await db.write(opened)
    await db.write(
        tickets.edit, ticket.id, NOW, by=AGENT, expected_version=1, customer_id=customer.id
    )
    cases = await db.read(open_of, [customer.id], "+8613812345678", NOW)
    assert ids(cases.to_tell) == [ticket.id]
    assert cases.certain


async def test_an_overridden_case_is_closed_for_the_caller_too(db: Database) -> None:
    ticket = await db.write(resolved)
    await db.write(
        closing.override, ticket.id, "王莉", "无人接听", LATER, by=SUPERVISOR, expected_version=3
    )
    cases = await db.read(open_of, (), TIANJIN.e164, LATER)
    assert ids(cases.best, cases.lately_closed) == [None, ticket.id]


async def test_the_quick_look_misses_no_case_that_could_be_told(db: Database) -> None:
    assert not await db.read(has_any, (1, 2), TIANJIN.e164)
    await db.write(closed, "c1")
    assert not await db.read(has_any, (), TIANJIN.e164), "that one is over"
    for number, made in enumerate((opened, begun, resolved), start=2):
        await db.write(made, f"c{number}")
        assert await db.read(has_any, (), TIANJIN.e164)
        assert not await db.read(has_any, (), "")
        assert not await db.read(has_any, (7,), "+8613800000000")


async def test_the_quick_look_finds_a_customers_case_from_another_number(db: Database) -> None:
    await db.write(customers.import_csv, "name,numbers\n张三,022-53456789;13812345678\n", NOW)
    (customer,) = await db.read(customers.find_by_number, "+8613812345678")
    new = tickets.NewTicket("complaint", "x", customer_ids=(customer.id,))
    case = await db.write(tickets.open_ticket, new, NOW)
    assert await db.read(has_any, (customer.id,), "+8613812345678")
    other = await db.write(tickets.open_ticket, tickets.NewTicket("complaint", "y"), NOW)
    await db.write(merging.merge, case.id, other.id, NOW, by=AGENT, expected_version=1)
    assert await db.read(has_any, (customer.id,), ""), "its survivor is told"
