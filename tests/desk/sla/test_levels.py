"""A ticket's level decides on its policy from the moment it is set."""

from typing import Any

import pytest
from sqlalchemy import Connection, update

from desk import routing, sla, timeline
from desk.db.engine import Database
from desk.db.schema import calls
from desk.db.schema import tickets as table
from desk.routing import BadRules
from desk.routing.levels import set_level
from desk.sla.book import Book
from desk.sla.settings import PolicySettings
from tests.desk.routing.houses import declare
from tests.desk.routing.test_rule_sets import LEVELS
from tests.desk.sla.books import book, minutes
from tests.desk.sla.cases import SUPERVISOR, go, open_case
from tests.desk.sla.test_projection import catch_up
from tests.rig.samples import NOW

HEAD = f"default_team: national\n{LEVELS}rules:\n"


def by_level() -> Book:
    """An hour for level 1, a day for all others."""
    grave = PolicySettings.model_validate(
        {"name": "grave", "levels": [1], "targets": {"resolution": {"due_minutes": 60}}}
    )
    common = book(1440)
    return Book.of(common.data.model_copy(update={"policies": [grave, *common.data.policies]}))


async def clock(db: Database, ticket_id: int) -> tuple[str, Any]:
    found = [c for c in await db.read(sla.stored_clocks, ticket_id) if c.target == "resolution"]
    return found[-1].policy, found[-1].due_at


def raise_it(db: Connection, ticket_id: int) -> None:
    set_level(
        db, ticket_id, 1, NOW + minutes(5), reason="提到律师", by=SUPERVISOR, expected_version=1
    )


async def test_a_case_that_becomes_grave_has_the_stricter_time_from_its_opening(
    db: Database,
) -> None:
    await db.write(sla.apply, by_level(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(catch_up)
    assert await clock(db, ticket_id) == ("all", NOW + minutes(1440))
    await db.write(raise_it, ticket_id)
    await db.write(catch_up)
    assert await clock(db, ticket_id) == ("grave", NOW + minutes(60))


async def test_a_case_that_was_solved_is_judged_by_the_level_that_it_had(db: Database) -> None:
    await db.write(sla.apply, by_level(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(go, ticket_id, NOW + minutes(2), "resolved")

    def late(connection: Connection) -> None:
        body = {"number": "100014", "level": 1, "before": 0}
        timeline.append(
            connection, kind="ticket.levelled", body=body, now=NOW + minutes(9), ticket_id=ticket_id
        )

    await db.write(late)
    await db.write(catch_up)
    assert (await clock(db, ticket_id))[0] == "all"


async def test_a_level_of_which_no_entry_tells_counts_all_the_same(db: Database) -> None:
    await db.write(sla.apply, by_level(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)
    await db.write(lambda c: c.execute(update(table).values(level=1)) and None)
    await db.write(catch_up)
    assert (await clock(db, ticket_id))[0] == "grave"


async def test_a_routing_rule_may_name_the_policy(db: Database) -> None:
    await db.write(sla.apply, by_level(), NOW)
    ticket_id = await db.write(open_case, "c1", NOW)

    async def routed_by(then: str) -> tuple[str, Any]:
        def work(connection: Connection) -> None:
            declare(connection)
            routing.activate(connection, f"{HEAD}  - {{name: a, then: {then}}}\n", NOW, actor="x")
            connection.execute(update(calls).values(ended_at=NOW))
            routing.route(connection, ticket_id, NOW)

        await db.write(work)
        await db.write(catch_up)
        return await clock(db, ticket_id)

    assert await routed_by("{policy: grave}") == ("grave", NOW + minutes(60))
    assert await routed_by("{level: 4}") == ("all", NOW + minutes(1440)), "it names none any more"
    with pytest.raises(BadRules, match="no policy in force 'gravee'; did you mean grave"):
        await routed_by("{policy: gravee}")
