"""A lock or a full disk: one clear error, nothing half written, and it goes on."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk import timeline
from desk.db.engine import Database
from desk.errors import DatabaseBusy, DatabaseError, DatabaseUnavailable
from tests.rig.samples import NOW, call_with_ticket, count, sql

HERE = Path(__file__).resolve().parents[3]
LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


def append(db: Connection, size: int = 0) -> int:
    return timeline.append(db, kind="test", body={"text": "x" * size}, now=NOW).seq


async def refused(unit: "asyncio.Task[int]") -> bool:
    """Whether the unit failed so that its caller may try again."""
    try:
        await unit
    except DatabaseError as error:
        return error.retryable
    return False


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}", wait_seconds=1) as db:
        yield db


@asynccontextmanager
async def lock_of_another_process(file: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process holds the write lock; a line to its input ends it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOCK, str(file),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"locked\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_units_that_wait_for_another_process_give_up_in_time_and_write_nothing_later(
    sqlite: Database, tmp_path: Path
) -> None:
    await sqlite.write(append)
    async with lock_of_another_process(tmp_path / "desk.db") as other:
        units = [asyncio.create_task(sqlite.write(append)) for _ in range(20)]
        async with asyncio.timeout(5):
            for unit in units:
                with pytest.raises(DatabaseBusy):
                    await unit
        assert await sqlite.read(timeline.last_seq) == 1, "readers wait for nobody"
        late = asyncio.create_task(sqlite.write(append))
        await asyncio.sleep(0)
        await other.communicate(b"\n")
        assert await late == 2, "the writer goes on, without the units that gave up"
    assert (await sqlite.read(timeline.verify)).entries == 2


@pytest.mark.chaos
@pytest.mark.slow
async def test_a_lock_of_half_a_minute_costs_nothing_that_is_given_again(tmp_path: Path) -> None:
    async with await Database.open(f"sqlite:///{tmp_path / 'desk.db'}") as db:
        async with lock_of_another_process(tmp_path / "desk.db") as other:

            async def persistently(n: int) -> int:
                while True:
                    with suppress(DatabaseBusy):
                        return (await db.write(call_with_ticket, f"c{n}")).id

            units = [asyncio.create_task(persistently(n)) for n in range(50)]
            await asyncio.sleep(31)  # longer than a unit's own patience
            assert not any(unit.done() for unit in units)
            await other.communicate(b"\n")
            async with asyncio.timeout(20):
                assert len(set(await asyncio.gather(*units))) == 50
        assert await db.read(count, "tickets") == 50
        assert (await db.read(timeline.verify)).intact


async def test_of_units_that_meet_a_full_disk_together_each_is_written_whole_or_refused(
    sqlite: Database, tmp_path: Path
) -> None:
    def limit(db: Connection, pages: int) -> None:
        db.execute(text(f"PRAGMA max_page_count = {pages}"))

    await sqlite.write(append)
    await sqlite.write(limit, 80)
    sizes = [200_000 if n % 4 == 3 else 10 for n in range(40)]
    units = [asyncio.create_task(sqlite.write(append, size)) for size in sizes]
    failed = [await refused(unit) for unit in units]
    assert any(failed)
    verdict = await sqlite.read(timeline.verify)
    assert verdict.intact
    assert verdict.entries == 1 + failed.count(False)
    await sqlite.write(limit, 1_000_000)
    assert await sqlite.write(append, 500_000) == verdict.entries + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of four megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("may not mount a small file system; run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=20)


@pytest.mark.chaos
async def test_a_disk_that_others_fill_refuses_calls_and_takes_them_again_when_it_is_freed(
    small_disk: Path,
) -> None:
    async with await Database.open(f"sqlite:///{small_disk / 'desk.db'}", wait_seconds=5) as db:
        written = lost = tried = 0
        for round_ in range(3):
            await db.write(call_with_ticket, f"before{round_}")
            written += 1
            filler = small_disk / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            failed = 0
            for n in range(200):  # the write-ahead log has room for a few more
                try:
                    await db.write(call_with_ticket, f"during{round_}-{n}")
                    written += 1
                except DatabaseUnavailable as error:
                    failed += error.retryable
            assert failed
            tried += 201
            assert written + lost + failed == tried, "every refusal may be tried again"
            lost += failed
            assert await db.read(count, "tickets") == written, "what is there can be read"
            filler.unlink()
        await db.write(call_with_ticket, "after")
        assert await db.read(count, "calls") == await db.read(count, "tickets") == written + 1
        assert (await db.read(timeline.verify)).intact
        assert await db.read(lambda c: c.execute(text("PRAGMA integrity_check")).scalar()) == "ok"


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from desk import timeline
from desk.db.engine import Database
from desk.errors import DatabaseUnavailable
from tests.rig.samples import call_with_ticket

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main(file):
    async with await Database.open(f"sqlite:///{file}", wait_seconds=5) as db:
        written = refused = 0
        for n in range(60):
            if n % 20 == 5:  # in the middle of what the next call writes
                limit(Path(f"{file}-wal").stat().st_size + 5000)
            if n % 20 == 15:
                limit(resource.RLIM_INFINITY)
            try:
                await db.write(call_with_ticket, f"c{n}")
                written += 1
            except DatabaseUnavailable as error:
                assert error.retryable
                refused += 1
        verdict = await db.read(timeline.verify)
        print(written, refused, verdict.entries, verdict.intact)

asyncio.run(main(sys.argv[1]))
"""


def test_writes_that_the_system_refuses_leave_nothing_and_do_not_stop_the_writer(
    tmp_path: Path,
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "desk.db")],
        capture_output=True, text=True, timeout=60, check=True, cwd=HERE,
    )  # fmt: skip
    written, failed, entries, intact = run.stdout.split()
    assert int(failed) > 0
    assert int(written) + int(failed) == 60
    assert (int(entries), intact) == (2 * int(written), "True")


@pytest.mark.parametrize("bad", [SystemExit, KeyboardInterrupt, StopIteration, MemoryError])
async def test_a_unit_that_fails_in_the_worst_way_does_not_take_the_writer_with_it(
    sqlite: Database, bad: type[BaseException]
) -> None:
    def worst(_db: Connection) -> None:
        raise bad

    for ask in (sqlite.write, sqlite.read):
        unit = asyncio.ensure_future(_caught(ask(worst)))
        assert isinstance(await unit, (bad, RuntimeError, DatabaseUnavailable))
    assert await sqlite.write(append) == 1
    assert await sqlite.read(timeline.last_seq) == 1


async def _caught(unit: object) -> BaseException | None:
    try:
        await unit  # type: ignore[misc]
    except BaseException as error:  # noqa: BLE001
        return error
    return None


async def test_a_connection_that_broke_is_opened_anew(sqlite: Database) -> None:
    def break_it(db: Connection) -> None:
        append(db)
        db.connection.driver_connection.close()  # type: ignore[union-attr]

    await sqlite.write(append)
    for ask in (sqlite.write, sqlite.read):
        with pytest.raises(Exception, match=r"closed|read-?only"):
            await ask(break_it)
    assert await sqlite.write(append) == 2
    assert await sqlite.read(timeline.last_seq) == 2


async def test_a_file_that_vanished_is_one_clear_error(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    async with await Database.open(f"sqlite:///{folder / 'desk.db'}", wait_seconds=1) as db:
        os.rename(folder, tmp_path / "elsewhere")  # noqa: PTH104
        with suppress(DatabaseError):  # its open files still take a write
            await db.write(append)
        os.rename(tmp_path / "elsewhere", folder)  # noqa: PTH104
        await db.write(append)
        assert (await db.read(timeline.verify)).intact


async def test_a_unit_that_breaks_a_rule_tells_its_caller_which(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await sql(db, "INSERT INTO talks VALUES ('l', 'nobody', '1', '', '2026-01-01', NULL, NULL)")
