"""A server in trouble is one clear error, nothing is half written, and it goes on afterwards."""

import asyncio

import pytest
from sqlalchemy import Connection, text

from desk import timeline
from desk.db import postgres as server
from desk.db.engine import Database
from desk.errors import DatabaseBusy, DatabaseError, DatabaseUnavailable
from tests.rig.postgres import Cluster, name_of
from tests.rig.samples import NOW


def append(db: Connection) -> int:
    return timeline.append(db, kind="test", body={}, now=NOW).seq


async def refused(db: Database) -> bool:
    """Whether a write fails so that it may be tried again."""
    try:
        await db.write(append)
    except DatabaseError as error:
        return error.retryable
    return False


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("state", "kind", "retryable"),
    [
        ("53100", DatabaseUnavailable, True),  # disk_full
        ("53200", DatabaseUnavailable, True),  # out_of_memory
        ("58030", DatabaseUnavailable, True),  # io_error
        ("57P01", DatabaseUnavailable, True),  # admin_shutdown
        ("57P03", DatabaseUnavailable, True),  # cannot_connect_now
        ("25006", DatabaseUnavailable, True),  # read_only_sql_transaction
        ("55P03", DatabaseBusy, True),  # lock_not_available
        ("40001", DatabaseBusy, True),  # serialization_failure
        ("XX001", DatabaseError, False),  # data_corrupted
    ],
)
async def test_what_a_postgresql_server_complains_of_is_one_clear_error(
    postgres: Cluster, state: str, kind: type[DatabaseError], retryable: bool
) -> None:
    def complain(db: Connection) -> None:
        append(db)
        db.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))

    url = await postgres.fresh()
    async with await Database.open(url, wait_seconds=10) as db:
        with pytest.raises(kind) as error:
            await db.write(complain)
        assert type(error.value) is kind
        assert error.value.retryable is retryable
        assert await db.write(append) == 1, "nothing of the unit is left, and it goes on"
    await postgres.drop(url)


@pytest.mark.postgres
async def test_a_connection_that_the_administrator_ends_is_replaced(postgres: Cluster) -> None:
    def ended(db: Connection) -> None:
        append(db)
        db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    url = await postgres.fresh()
    async with await Database.open(url, wait_seconds=10) as db:
        with pytest.raises(DatabaseUnavailable) as error:
            await db.write(ended)
        assert error.value.retryable
        assert await db.write(append) == 1
    await postgres.drop(url)


@pytest.mark.postgres
async def test_a_postgresql_that_takes_no_more_connections_is_one_clear_error(
    postgres: Cluster,
) -> None:
    url = await postgres.fresh()
    other = await postgres.fresh()
    async with await Database.open(url, wait_seconds=5) as db, await Database.open(other) as admin:
        name = name_of(url)

        def connections(connection: Connection, allowed: bool) -> None:
            values = {"name": name, "allowed": allowed}
            for statement in (
                "UPDATE pg_database SET datallowconn = :allowed WHERE datname = :name",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name",
            ):
                connection.execute(text(statement), values)

        await admin.write(connections, False)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable) as error:
                await db.write(append)
            assert error.value.retryable
        await admin.write(connections, True)
        while await refused(db):
            pass
        assert (await db.read(timeline.verify)).entries == 1
    await postgres.drop(other)
    await postgres.drop(url)


@pytest.mark.postgres
async def test_a_lock_that_is_never_given_back_ends_in_time_on_postgresql(
    postgres: Cluster,
) -> None:
    url = await postgres.fresh()
    async with await Database.open(url, wait_seconds=1) as db, await Database.open(url) as other:
        held = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(connection: Connection) -> None:
            append(connection)
            loop.call_soon_threadsafe(held.set)
            connection.execute(text("SELECT pg_sleep(2)"))

        holding = asyncio.create_task(other.write(hold))
        await held.wait()
        with pytest.raises(DatabaseBusy) as error:
            await db.write(append)
        assert error.value.retryable
        await holding
        assert await db.write(append) == 2
    await postgres.drop(url)


def test_a_servers_complaint_that_is_ours_to_mend_stays_what_it_is() -> None:
    mistake = ValueError("mine")
    assert server.typed(mistake, 1) is mistake
