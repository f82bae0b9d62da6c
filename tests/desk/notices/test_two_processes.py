"""Two processes follow one timeline, and nobody is told twice."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from desk.chores import catch_up
from desk.db.engine import Database
from desk.db.schema.teamwork import notices
from desk.errors import DatabaseError
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.tickets import steps
from tests.desk.lifecycle.cases import LEAD, opened
from tests.rig.samples import NOW

MANY = 12
LATER = NOW + timedelta(hours=1)


def told(db: Connection) -> list[int]:
    """How many notices there are of each entry and recipient."""
    each = (notices.c.key, notices.c.recipient)
    counts = select(func.count()).select_from(notices).group_by(*each)
    return list(db.execute(counts).scalars())


async def test_two_processes_tell_each_once(db: Database, database_url: str) -> None:
    [follows, _] = notice_chores(NoticeSettings())
    async with await Database.open(database_url) as other:
        await catch_up(db, [follows], lambda: LATER)
        for number in range(MANY):
            ticket = await db.write(opened, f"c{number}")
            await db.write(
                steps.assign, ticket.id, NOW, by=LEAD, expected_version=1, assignee=f"a{number}"
            )

        async def follow(process: Database) -> None:
            idle = 0
            while idle < 3:
                try:
                    done = await process.write(follows.work, LATER, 2)
                except DatabaseError as error:
                    if not error.retryable:
                        raise
                    done = 1
                idle = 0 if done else idle + 1

        await asyncio.gather(follow(db), follow(other))
        await catch_up(db, [follows], lambda: LATER)
    assert await db.read(told) == [1] * MANY


async def test_a_reaction_that_is_undone_leaves_no_notice(db: Database) -> None:
    [follows, _] = notice_chores(NoticeSettings())
    await catch_up(db, [follows], lambda: LATER)
    ticket = await db.write(opened)
    await db.write(steps.assign, ticket.id, NOW, by=LEAD, expected_version=1, assignee="a")

    def dies(connection: Connection) -> None:
        assert follows.work(connection, LATER, 9) > 0
        assert connection.execute(select(func.count()).select_from(notices)).scalar_one() == 1
        raise RuntimeError("killed before the commit")

    with pytest.raises(RuntimeError, match="killed"):
        await db.write(dies)
    assert await db.read(told) == []
    await catch_up(db, [follows], lambda: LATER)
    assert await db.read(told) == [1]
