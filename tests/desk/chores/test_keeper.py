"""The task that keeps chores: it wakes in time, and no chore stops another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from desk import chores, timeline
from desk.chores import DUE, Chore, Entry, follower
from desk.db.engine import Database
from tests.desk.chores.test_followers import Clock, echo, say, seen
from tests.rig.samples import NOW


@asynccontextmanager
async def kept(
    db: Database, wanted: Sequence[Chore], now: Callable[[], datetime], most_seconds: float = 3600
) -> AsyncIterator[None]:
    keeper = asyncio.create_task(
        chores.keep(db, wanted, now, most_seconds=most_seconds), name="chores"
    )
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def until(db: Database, there: Callable[[], object]) -> None:
    """Wait until something is so; looked at after each commit."""
    with db.subscribe() as commits:
        async with asyncio.timeout(20):
            while not there():
                await commits.wait(0.05)


async def heard(db: Database, numbers: list[int]) -> None:
    async with asyncio.timeout(20):
        with db.subscribe() as commits:
            while await db.read(seen) != numbers:
                await commits.wait(0.2)  # of another process nothing is heard on SQLite


async def test_it_wakes_when_something_is_written(db: Database) -> None:
    chore = follower("echo", ("ticket.",), echo, from_start=True)
    async with kept(db, [chore], lambda: NOW):
        await db.write(say, "ticket.opened", number=1)
        await heard(db, [1])
        await db.write(say, "ticket.opened", number=2)
        await heard(db, [1, 2])


async def test_it_wakes_when_something_is_due(db: Database) -> None:
    worked: list[datetime] = []
    due = [NOW + timedelta(seconds=0.3)]
    now = Clock()
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def clock() -> datetime:
        return now.at + timedelta(seconds=loop.time() - begun)

    def work(connection: Connection, at: datetime, limit: int) -> int:
        worked.append(at)
        due.clear()
        return 1

    chore = Chore("alarm", work, lambda connection: due[0] if due else None)
    async with kept(db, [chore], clock):
        await until(db, lambda: worked)
    assert worked[0] >= NOW + timedelta(seconds=0.3)
    assert len(worked) == 1


async def test_a_chore_that_fails_is_told_and_does_not_stop_the_others(db: Database) -> None:
    tries: list[int] = []

    def fails(connection: Connection, now: datetime, limit: int) -> int:
        tries.append(1)
        timeline.append(connection, kind="echo.heard", body={"of": -1}, now=now)
        raise KeyError("broken")

    def cannot_tell(connection: Connection) -> datetime | None:
        raise ValueError("unreadable")

    wanted = [
        Chore("broken", fails, lambda connection: DUE),
        Chore("unreadable", lambda *_: 0, cannot_tell),
        follower("echo", ("ticket.",), echo, from_start=True),
    ]
    with capture_logs() as logs:
        async with kept(db, wanted, lambda: NOW):
            for number in range(3):
                await db.write(say, "ticket.opened", number=number)
                await heard(db, list(range(number + 1)))
    told = {log["chore"] for log in logs if log["log_level"] == "error"}
    assert told == {"broken", "unreadable"}
    assert len(tries) <= 3, "it backs off"


async def test_a_chore_that_waits_for_a_lock_does_not_keep_the_others_waiting(
    db: Database,
) -> None:
    if db.dialect == "sqlite":
        pytest.skip("SQLite has one writer: nobody waits for a row there")

    def waits(connection: Connection, now: datetime, limit: int) -> int:
        connection.exec_driver_sql("SELECT pg_sleep(5)")
        return 0

    wanted = [
        Chore("waits", waits, lambda connection: DUE),
        follower("echo", ("ticket.",), echo, from_start=True),
    ]
    async with kept(db, wanted, lambda: NOW):
        await db.write(say, "ticket.opened", number=1)
        async with asyncio.timeout(3):
            await heard(db, [1])


async def test_two_chores_of_one_name_are_refused(db: Database) -> None:
    def react(connection: Connection, entry: Entry, now: datetime) -> None:
        pass

    twice = [follower("echo", ("a.",), react), follower("echo", ("b.",), react)]
    with pytest.raises(ValueError, match="two chores are named echo"):
        await chores.keep(db, twice, lambda: NOW)


async def test_several_keepers_do_each_thing_once(db: Database, database_url: str) -> None:
    wanted = [follower("echo", ("ticket.",), echo, from_start=True)]
    async with (
        await Database.open(database_url, wait_seconds=10) as other,
        kept(db, wanted, lambda: NOW),
        kept(other, wanted, lambda: NOW, 0.2),
    ):
        for number in range(20):
            await (db, other)[number % 2].write(say, "ticket.opened", number=number)
        await heard(db, list(range(20)))
    assert await db.read(seen) == list(range(20))
