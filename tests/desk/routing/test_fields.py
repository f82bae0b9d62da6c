"""Fields of ticket types: what agents fill in, and what must be filled before a case is solved."""

from typing import Any

import pytest
from sqlalchemy import Connection

from desk import tickets, timeline
from desk.db.engine import Database
from desk.errors import BadFields, TransitionIncomplete, VersionConflict
from desk.tickets import By, NewTicket, Role, Ticket, closing, fields, steps
from tests.desk.routing.houses import declare
from tests.rig.samples import NOW

AGENT = By("agent:8001", Role.AGENT)


def repair(db: Connection) -> Ticket:
    declare(db)
    return tickets.open_ticket(db, NewTicket("repair", "空调不制冷"), NOW)


def fill(db: Connection, ticket: Ticket, **values: Any) -> Ticket:
    return fields.set_fields(db, ticket.id, values, NOW, by=AGENT, expected_version=ticket.version)


async def test_what_an_agent_fills_in_stays_with_the_ticket(db: Database) -> None:
    def work(c: Connection) -> None:
        ticket = fill(c, repair(c), product=" 空调 ", pieces=2, bought_on="2026-05-01")
        ticket = fill(c, ticket, warranty=True, pieces=None)
        found = tickets.get(c, ticket.id)
        assert found is not None
        expected = {"product": "空调", "bought_on": "2026-05-01", "warranty": True}
        assert found.fields == expected
        assert found.version == 3

    await db.write(work)


async def test_the_same_again_is_no_change(db: Database) -> None:
    def work(c: Connection) -> None:
        ticket = fill(c, repair(c), product="空调")
        assert fill(c, ticket, product="空调").version == ticket.version

    await db.write(work)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("colour", "红", "no field of the type repair; it has product, fault"),
        ("fault", "冒烟", "one of 不制冷, 漏水"),
        ("pieces", "2", "a number"),
        ("pieces", True, "a number"),
        ("pieces", float("nan"), "a number"),
        ("warranty", 1, "true or false"),
        ("bought_on", "2026-02-30", "a date"),
        ("bought_on", "20260201", "a date"),
        ("product", "空" * 1001, "at most 1000"),
    ],
)
async def test_a_value_that_no_report_could_use_is_refused(
    db: Database, name: str, value: Any, says: str
) -> None:
    def work(c: Connection) -> None:
        ticket = repair(c)
        with pytest.raises(BadFields, match=says):
            fill(c, ticket, **{name: value})
        assert tickets.get(c, ticket.id) == ticket

    await db.write(work)


async def test_of_two_agents_who_fill_at_once_the_second_sees_what_the_first_wrote(
    db: Database,
) -> None:
    def work(c: Connection) -> None:
        ticket = repair(c)
        fill(c, ticket, product="空调")
        with pytest.raises(VersionConflict):
            fill(c, ticket, product="冰箱")

    await db.write(work)


async def test_a_repair_without_its_product_is_not_resolved(db: Database) -> None:
    def work(c: Connection) -> None:
        ticket = repair(c)
        ticket = steps.start(c, ticket.id, NOW, by=AGENT, expected_version=1)
        with pytest.raises(TransitionIncomplete) as refused:
            closing.resolve(c, ticket.id, "加氟", NOW, by=AGENT, expected_version=2)
        assert refused.value.missing == ("fields: product (产品)", "fields: fault (故障)")
        assert "product (产品)" in str(refused.value)
        ticket = fill(c, ticket, product="空调", fault="不制冷")
        done = closing.resolve(c, ticket.id, "加氟", NOW, by=AGENT, expected_version=3)
        assert done.status == "resolved"

    await db.write(work)


async def test_everything_that_is_lacking_is_told_at_once(db: Database) -> None:
    def work(c: Connection) -> None:
        ticket = repair(c)
        ticket = steps.start(c, ticket.id, NOW, by=AGENT, expected_version=1)
        with pytest.raises(TransitionIncomplete) as refused:
            closing.resolve(c, ticket.id, " ", NOW, by=AGENT, expected_version=2)
        assert "solution" in refused.value.missing
        assert len(refused.value.missing) == 3

    await db.write(work)


async def test_a_type_without_required_fields_needs_none(db: Database) -> None:
    def work(c: Connection) -> None:
        declare(c)
        ticket = tickets.open_ticket(c, NewTicket("complaint", "态度差"), NOW)
        steps.start(c, ticket.id, NOW, by=AGENT, expected_version=1)
        done = closing.resolve(c, ticket.id, "已道歉", NOW, by=AGENT, expected_version=2)
        assert done.status == "resolved"

    await db.write(work)


async def test_a_case_that_comes_back_goes_before_others(db: Database) -> None:
    def work(c: Connection) -> None:
        ticket = tickets.open_ticket(c, NewTicket("complaint", "态度差"), NOW)
        ticket = steps.start(c, ticket.id, NOW, by=AGENT, expected_version=1)
        for _ in range(7):
            closing.resolve(c, ticket.id, "已道歉", NOW, by=AGENT, expected_version=ticket.version)
            ticket = closing.reopen(
                c, ticket.id, "没有用", NOW, by=AGENT, expected_version=ticket.version + 1
            )
            before = ticket.priority
            ticket = steps.start(c, ticket.id, NOW, by=AGENT, expected_version=ticket.version)
        assert before == 100
        told = timeline.entries_after(c, 0, 100)
        raised = [e.body["priority"] for e in told if e.kind == "ticket.reopened" and e.body]
        assert raised[:2] == [20, 40]

    await db.write(work)
