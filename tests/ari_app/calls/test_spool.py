"""The file that holds records while the desk is away: what a crash, a full disk or a dead disk may
cost, and what nobody may find in it afterwards."""

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.calls.journal import spool as module
from ari_app.calls.journal.spool import DEADLINE_SECONDS, FIRST, SYNC_SECONDS, Spool, SpoolError

SIZE = 64 * 1024
RECORDS = [b"first", b"second" * 100, b"third"]


async def at_once(work: Callable[..., Any], *args: Any) -> Any:
    """In place of a thread."""
    return work(*args)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "journal"


async def _opened(path: Path, size: int = SIZE) -> Spool:
    return await Spool.open(path, size=size, aside=at_once)


async def _kept(path: Path, records: list[bytes]) -> None:
    spool = await _opened(path)
    for record in records:
        assert spool.append(record)
    await spool.sync()
    await spool.aclose()


async def _all(spool: Spool, most: int = 2) -> list[bytes]:
    found, place = [], FIRST
    while place < spool.end:
        records, place = await spool.read(place, most)
        if not records:
            break
        found += records
    return found


async def test_next_process_finds_every_synced_record_in_order(path: Path) -> None:
    await _kept(path, RECORDS)
    spool = await _opened(path)
    assert not spool.is_empty
    assert spool.records == len(RECORDS)
    assert await _all(spool) == RECORDS
    assert spool.append(b"fourth")
    await spool.sync()
    assert await _all(spool) == [*RECORDS, b"fourth"]
    await spool.aclose()


async def test_space_is_taken_before_it_is_needed_and_belongs_to_us_alone(path: Path) -> None:
    await (await _opened(path)).aclose()
    assert path.stat().st_blocks * 512 >= SIZE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@given(st.integers(min_value=0), st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_torn_record_is_passed_over_and_those_before_it_are_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rubbish: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal"

    async def scenario() -> None:
        await _kept(path, RECORDS)
        ends = [FIRST]
        for record in RECORDS:
            ends.append(ends[-1] + 8 + len(record))
        place = FIRST + cut % (ends[-1] - FIRST)
        whole = sum(end <= place for end in ends[1:])
        with path.open("r+b") as file:
            file.seek(place)
            lost = file.read(ends[-1] - place)
            file.seek(place)
            torn = rubbish.ljust(len(lost), b"\0")[: len(lost)]
            file.write(torn)
        if torn == lost:
            return
        spool = await _opened(path)
        found = await _all(spool)
        assert found[:whole] == RECORDS[:whole]
        assert len(found) == whole or torn.startswith(lost[: ends[whole + 1] - place])
        assert spool.append(b"new")
        await spool.sync()
        await spool.aclose()
        again = await _opened(path)
        assert await _all(again) == [*found, b"new"], "the torn one is written over"
        await again.aclose()

    asyncio.run(scenario())


async def test_emptied_spool_keeps_nothing_of_what_it_held(path: Path) -> None:
    await _kept(path, [b"02253456789" * 20, b"02253456789"])
    spool = await _opened(path)
    await spool.empty()
    assert spool.is_empty
    assert b"5345" not in path.read_bytes()
    await spool.aclose()
    assert (await _opened(path)).is_empty


async def test_records_from_before_the_emptying_never_come_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the new epoch and the overwriting; then a record as long as the old first."""
    await _kept(path, RECORDS)
    spool = await _opened(path)
    written = spool._write

    def die_before_overwriting(place: int, data: bytes) -> None:
        if place:
            raise OSError(errno.EIO, "crash")
        written(place, data)

    monkeypatch.setattr(spool, "_write", die_before_overwriting)
    with pytest.raises(SpoolError):
        await spool.empty()
    after = await _opened(path)
    assert after.is_empty
    assert after.append(b"FIRST")
    await after.sync()
    await after.aclose()
    last = await _opened(path)
    assert await _all(last) == [b"FIRST"]
    await last.aclose()


async def test_full_spool_says_so_and_is_of_use_again_once_emptied(path: Path) -> None:
    spool = await _opened(path, size=FIRST + 100)
    assert spool.append(b"x" * 80)
    assert not spool.append(b"y" * 80)
    await spool.sync()
    await spool.empty()
    assert spool.append(b"y" * 80)
    await spool.aclose()


async def test_record_that_is_too_long_to_be_read_back_is_not_taken(path: Path) -> None:
    spool = await _opened(path, size=4 * module.MOST_RECORD)
    assert not spool.append(b"x" * (module.MOST_RECORD + 1))
    longest = b"x" * module.MOST_RECORD
    assert spool.append(longest)
    assert spool.append(b"next")
    await spool.sync()
    assert await _all(spool) == [longest, b"next"]
    await spool.aclose()


async def test_line_starts_on_a_full_disk_without_a_spool(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    spool = await _opened(path)
    assert "No space left" in spool.fault
    assert spool.is_empty
    assert not spool.append(b"x")
    await spool.aclose()


async def test_foreign_file_is_made_ours_and_not_read(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(os.urandom(SIZE))
    spool = await _opened(path)
    assert spool.is_empty
    await spool.aclose()


@pytest.mark.looptime
async def test_disk_that_hangs_costs_one_deadline_and_is_then_left_alone(path: Path) -> None:
    spool = await _opened(path)

    async def never(*_: object) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    spool._aside = never
    assert spool.append(b"x")
    with pytest.raises(SpoolError, match="no answer within 2 s"):
        await spool.sync()
    assert asyncio.get_running_loop().time() == pytest.approx(DEADLINE_SECONDS)
    assert not spool.append(b"y")
    await spool.aclose()


@pytest.mark.looptime
async def test_records_that_come_close_together_share_a_write(path: Path) -> None:
    loop, spool = asyncio.get_running_loop(), await _opened(path)
    await spool.pause()
    assert loop.time() == 0, "the first one goes at once"
    await spool.sync()
    await spool.pause()
    assert loop.time() == pytest.approx(SYNC_SECONDS)
    await spool.aclose()
