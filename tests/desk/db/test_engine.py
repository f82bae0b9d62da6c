"""One write is one transaction: all of it or nothing, whoever else writes at the same time."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk import timeline
from desk.db.engine import Database
from desk.errors import (
    DatabaseBusy,
    DatabaseClosed,
    DatabaseError,
    DatabaseOverloaded,
    DatabaseUnavailable,
)
from tests.rig.postgres import Cluster
from tests.rig.samples import NOW, begin, count


class RefusedError(Exception):
    pass


def append(db: Connection, kind: str = "test") -> int:
    return timeline.append(db, kind=kind, body={}, now=NOW).seq


def append_and_fail(db: Connection) -> None:
    append(db)
    raise RefusedError


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    async with await Database.open(url, wait_seconds=1) as database:
        yield database


async def test_a_unit_that_fails_leaves_nothing_and_tells_its_caller_alone(db: Database) -> None:
    results = await asyncio.gather(
        *(db.write(append_and_fail if n % 3 == 0 else append) for n in range(30)),
        return_exceptions=True,
    )
    assert [isinstance(result, RefusedError) for result in results] == [
        n % 3 == 0 for n in range(30)
    ]
    assert await db.read(count, "timeline") == 20
    assert (await db.read(timeline.verify)).intact


async def test_parallel_writers_get_every_number_once_and_without_a_gap(db: Database) -> None:
    seqs = await asyncio.gather(*(db.write(append) for _ in range(60)))
    assert sorted(seqs) == list(range(1, 61))
    assert (await db.read(timeline.verify)).intact


async def test_units_that_lock_in_opposite_order_both_succeed_in_the_end(db: Database) -> None:
    await db.write(begin, "a")
    await db.write(begin, "b")

    def stage_both(connection: Connection, first: str, second: str) -> None:
        for call_id in (first, second):
            connection.execute(text("UPDATE calls SET stage = 'x' WHERE id = :id"), {"id": call_id})
            if connection.dialect.name == "postgresql":  # hold the first lock until both have one
                connection.execute(text("SELECT pg_sleep(0.05)"))

    await asyncio.gather(
        *(db.write(stage_both, *order) for order in (("a", "b"), ("b", "a")) for _ in range(2))
    )


async def test_a_reader_sees_what_was_written_before_it_asked(db: Database) -> None:
    for expected in range(1, 6):
        assert await db.write(append) == expected
        assert await db.read(timeline.last_seq) == expected


async def test_reading_cannot_write_by_mistake(db: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await db.read(append)
    assert await db.read(timeline.last_seq) == 0


async def test_a_time_out_inside_the_work_is_the_works_own(db: Database) -> None:
    def late(_db: Connection) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await db.write(late)


async def test_listeners_hear_of_a_commit_that_appended(db: Database) -> None:
    with db.subscribe() as commits:
        await commits.wait(0.2)  # PostgreSQL's listener announces its own start
        await db.write(append)
        assert await commits.wait(5)
        await db.write(lambda _db: None)
        with pytest.raises(RefusedError):
            await db.write(append_and_fail)
        await commits.wait(0.2)  # the server's notice of the first commit may come after ours
        assert not await commits.wait(0.05)


@pytest.mark.postgres
async def test_another_process_hears_of_a_commit_on_postgresql(postgres: Cluster) -> None:
    url = await postgres.fresh()
    async with await Database.open(url) as db, await Database.open(url) as other:
        with other.subscribe() as commits:
            assert await commits.wait(5), "the listener is up"
            await db.write(append)
            assert await commits.wait(5)
    await postgres.drop(url)


async def test_a_closed_database_says_so_and_closing_twice_is_harmless(db: Database) -> None:
    await db.aclose()
    await db.aclose()
    with pytest.raises(DatabaseClosed):
        await db.write(append)
    with pytest.raises(DatabaseClosed):
        await db.read(timeline.last_seq)


async def test_what_was_given_before_closing_is_still_done(
    sqlite: Database, tmp_path: Path
) -> None:
    writes = [asyncio.create_task(sqlite.write(append)) for _ in range(20)]
    await asyncio.sleep(0)
    await sqlite.aclose()
    assert sorted(await asyncio.gather(*writes)) == list(range(1, 21))


async def test_a_writer_waits_for_another_process_and_gives_up_in_time(
    sqlite: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy) as refused:
            await sqlite.write(append)
        assert refused.value.retryable
        assert await sqlite.read(timeline.last_seq) == 0, "readers never wait for a writer"
        waiting = asyncio.create_task(sqlite.write(append))
        await asyncio.sleep(0)
        other.execute("COMMIT")
        assert await waiting == 1, "the unit that gave up was not written later"
    finally:
        other.close()


async def test_a_full_disk_is_one_clear_error_and_recording_goes_on_afterwards(
    sqlite: Database,
) -> None:
    def limit(db: Connection, pages: int) -> None:
        db.execute(text(f"PRAGMA max_page_count = {pages}"))

    await sqlite.write(append)
    await sqlite.write(limit, 1)

    def much(db: Connection) -> None:
        timeline.append(db, kind="test", body={"text": "x" * 500_000}, now=NOW)

    with pytest.raises(DatabaseUnavailable, match="disk is full"):
        await sqlite.write(much)
    await sqlite.write(limit, 1_000_000)
    assert await sqlite.write(append) == 2
    assert (await sqlite.read(timeline.verify)).intact


async def test_more_work_than_the_bound_is_refused_at_once(sqlite: Database) -> None:
    sqlite._backend._writer.bound = 3  # type: ignore[attr-defined]
    gate, started = threading.Event(), threading.Event()

    def stuck(_db: Connection) -> None:
        started.set()
        gate.wait(5)

    first = asyncio.create_task(sqlite.write(stuck))
    await asyncio.to_thread(started.wait, 5)
    more = [asyncio.create_task(sqlite.write(append)) for _ in range(3)]
    await asyncio.sleep(0)
    assert sqlite.waiting == 3
    with pytest.raises(DatabaseOverloaded):
        await sqlite.write(append)
    gate.set()
    await first
    assert await asyncio.gather(*more) == [1, 2, 3]


async def test_a_caller_that_was_cancelled_before_its_turn_writes_nothing(sqlite: Database) -> None:
    gate, started = threading.Event(), threading.Event()

    def stuck(_db: Connection) -> None:
        started.set()
        gate.wait(5)

    first = asyncio.create_task(sqlite.write(stuck))
    await asyncio.to_thread(started.wait, 5)
    second = asyncio.create_task(sqlite.write(append))
    await asyncio.sleep(0)
    second.cancel()
    gate.set()
    await first
    await asyncio.gather(second, return_exceptions=True)
    assert await sqlite.write(append) == 1


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
async def test_a_database_that_no_other_process_could_open_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match="names no file"):
        await Database.open(url)


async def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(DatabaseError, match="backup"):
        await Database.open(f"sqlite:///{tmp_path / 'desk.db'}")


async def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="running"):
        await Database.open(f"postgresql://nobody@/none?host={tmp_path}", wait_seconds=2)


async def test_the_file_is_for_its_owner_alone(sqlite: Database, tmp_path: Path) -> None:
    assert (tmp_path / "desk.db").stat().st_mode & 0o077 == 0
