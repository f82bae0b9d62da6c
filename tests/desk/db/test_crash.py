"""A ticket that a caller was told of is there after the process, or the server, was killed."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from desk import journal, tickets, timeline
from desk.db.engine import Database
from desk.errors import DatabaseError, DatabaseUnavailable
from tests.rig.postgres import Cluster
from tests.rig.samples import call_with_ticket, count

pytestmark = pytest.mark.chaos

WRITER = """
import asyncio, sys
from desk.db.engine import Database
from tests.rig.samples import call_with_ticket

async def write(db, name):
    n = 0
    while True:
        ticket = await db.write(call_with_ticket, f"{name}-{n}")
        print(ticket.call_id, ticket.number, flush=True)
        n += 1

async def main():
    db = await Database.open(sys.argv[1])
    await asyncio.gather(*(write(db, f"{sys.argv[2]}-{k}") for k in range(8)))

asyncio.run(main())
"""


async def burst(url: str, name: str, tickets_wanted: int) -> dict[str, str]:
    """Have a process write until it was told of so many tickets, and kill it in the middle."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, name, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told: list[str] = []
    async with asyncio.timeout(60):
        while len(told) < tickets_wanted:
            told.append((await process.stdout.readline()).decode())
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).decode().splitlines(keepends=True)
    await process.wait()
    return dict(line.split() for line in [*told, *rest] if line.endswith("\n"))


async def test_tickets_survive_kill_9_in_a_burst_of_writes(database_url: str) -> None:
    told = {}
    for round_ in range(3):
        told |= await burst(database_url, f"r{round_}", 40)
    async with await Database.open(database_url) as db:
        for call_id, number in told.items():
            ticket = await db.read(tickets.by_number, number)
            assert ticket is not None
            assert ticket.call_id == call_id
        assert (await db.read(timeline.verify)).intact
        assert await db.read(count, "tickets") == await db.read(count, "calls")
        assert await db.read(count, "outbox") == await db.read(count, "timeline")
        assert len(await db.read(journal.unfinished)) == await db.read(count, "calls")


async def test_two_processes_write_at_once_and_the_history_stays_one(database_url: str) -> None:
    one, two = await asyncio.gather(burst(database_url, "a", 30), burst(database_url, "b", 30))
    async with await Database.open(database_url) as db:
        verdict = await db.read(timeline.verify)
        assert verdict.intact
        assert await db.read(count, "tickets") >= len(one) + len(two)
        assert len(set(one.values()) & set(two.values())) == 0


@pytest.mark.postgres
async def test_the_desk_comes_back_by_itself_when_postgresql_was_killed(
    postgres: Cluster,
) -> None:
    url = await postgres.fresh()
    async with await Database.open(url, wait_seconds=5) as db:
        first = await db.write(call_with_ticket, "before")
        await asyncio.to_thread(postgres.stop)
        with pytest.raises(DatabaseError) as refused:
            await db.write(call_with_ticket, "during")
        assert refused.value.retryable
        await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(30):
            second = None
            while second is None:
                try:
                    second = await db.write(call_with_ticket, "after")
                except DatabaseUnavailable:
                    continue  # the pool drops its dead connections one by one
        assert await db.read(tickets.get, first.id) is not None
        assert await db.read(tickets.get, second.id) is not None
        assert (await db.read(timeline.verify)).intact
        with db.subscribe() as commits:
            await db.write(
                lambda connection: (
                    connection.execute(text("SELECT pg_notify('huisheng_timeline', '0')")) and None
                )
            )
            assert await commits.wait(20), "the listener did not come back"
    await postgres.drop(url)


def test_a_torn_write_ahead_log_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    file, torn = tmp_path / "desk.db", tmp_path / "torn"
    url = f"sqlite:///{file}"

    async def write() -> int:
        async with await Database.open(url) as db:
            for n in range(20):
                await db.write(call_with_ticket, f"c{n}")
            wal = Path(f"{file}-wal").read_bytes()
            torn.mkdir()
            # A copy as the power failure leaves it: the next transaction was half written.
            (torn / "desk.db").write_bytes(file.read_bytes())
            (torn / "desk.db-wal").write_bytes(wal + wal[32 : 32 + 3000])
            return (await db.read(timeline.verify)).entries

    async def check() -> timeline.Verdict:
        async with await Database.open(f"sqlite:///{torn / 'desk.db'}") as db:
            return await db.read(timeline.verify)

    written = asyncio.run(write())
    verdict = asyncio.run(check())
    assert verdict.intact
    assert verdict.entries == written
