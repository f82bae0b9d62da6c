"""The desk cannot be written while callers are on the line: they are served all the same, and
afterwards each has the one ticket that the call calls for."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ari_app.process import Running, running_line
from ari_app.settings import load
from ari_app.sip_caller import (
    CallPlan,
    CallResult,
    ExpectBye,
    HangUp,
    Press,
    Speak,
    Step,
    Wait,
    invites,
    place_calls,
)
from asterisk_conf.install import Installation
from desk import journal, recordings, tickets
from desk.db.sqlite import sqlite_path
from tests.e2e.line_rig import OPEN_HOURS, Clock, until, write_config
from tests.rig import ports

pytestmark = [pytest.mark.asterisk, pytest.mark.chaos, pytest.mark.slow]

LOCKED_SECONDS = 30
SETTLE_SECONDS = 40.0
NOWHERE = "http://127.0.0.1:9/"  # the discard port: no CRM
TELLS: tuple[Step, ...] = (Speak("我要退款"), Wait(0.6), Press("#"), ExpectBye(20))
COMPLAINS: tuple[Step, ...] = (Wait(1.5), Press("1"), Wait(2.2), *TELLS)
GIVES_UP: tuple[Step, ...] = (Wait(2.0), HangUp())
CALLERS = {  # number: what the caller does, and the ticket's type
    "02281110001": (COMPLAINS, "complaint"),
    "02281110002": (COMPLAINS, "complaint"),
    "02281110003": (COMPLAINS, "complaint"),
    "01061110004": (COMPLAINS, "complaint"),
    "02281110005": (GIVES_UP, "abandoned"),
    "01061110006": (GIVES_UP, "abandoned"),
}


@asynccontextmanager
async def line(config: Path) -> AsyncIterator[Running]:
    ports.keep()
    clock = Clock(OPEN_HOURS)
    async with running_line(load(config), config=config, own_lifetime=True, now=clock) as running:
        yield running


async def calls(running: Running, log: Path) -> list[CallResult]:
    """All callers within a second."""
    pbx = running.settings.pbx
    plans = [CallPlan(number, pbx.line_numbers[0], steps) for number, (steps, _) in CALLERS.items()]
    target = f"127.0.0.1:{pbx.sip.port}"
    return list(await place_calls(plans, target, rate=5, invite_log=log))


def served(results: list[CallResult]) -> None:
    """Each was answered at once, and kept by nobody: whoever told something was hung up on."""
    for result in results:
        assert result.status == 200
        assert result.answer_seconds is not None
        assert result.answer_seconds < 5
        waits = result.plan.steps == COMPLAINS
        assert result.ended_by == ("them" if waits else "us")
        assert result.talk_seconds is not None
        assert result.talk_seconds < 15


async def found_again(running: Running, log: Path, *, with_messages: bool) -> None:
    """The desk catches up; each INVITE has one call and one ticket."""
    db, line = running.line.db, running.line
    await until(lambda: not line.journal.spooling, SETTLE_SECONDS)
    await until(lambda: not running.switchboard.call_ids, SETTLE_SECONDS)
    await line.journal.flush()
    assert await db.read(journal.unfinished) == []
    opened = await db.read(tickets.search)
    told = [(ticket.caller.input, ticket.type) for ticket in opened]
    listed = sorted((one.caller, CALLERS[one.caller][1]) for one in invites(log))
    assert sorted(told) == listed
    assert len(await db.read(journal.search)) == len(listed)
    for ticket in opened:
        assert ticket.call_id is not None
        kept = await db.read(recordings.of_call, ticket.call_id)
        if ticket.type == "abandoned":
            assert kept == []
        elif with_messages:
            assert [recording.kind for recording in kept] == ["message"]


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process holds the database's write lock."""
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n"
        "db.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read()"
    )
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, database),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        async with asyncio.timeout(30):
            assert await holder.stdout.readline() == b"locked\n"
        yield holder
    finally:
        with contextlib.suppress(ProcessLookupError):
            holder.kill()
        await holder.wait()


async def test_locked_database_keeps_nobody_waiting_and_loses_nothing(
    tmp_path: Path, installation: Installation
) -> None:
    log = tmp_path / "invites"
    async with line(write_config(tmp_path, NOWHERE)) as running:
        async with locked(sqlite_path(running.settings.database_url)):
            lasts = asyncio.create_task(asyncio.sleep(LOCKED_SECONDS))
            results = await calls(running, log)
            assert not lasts.done(), "they were served while the database was locked"
            assert running.line.journal.spooling
            served(results)
            await lasts
        await found_again(running, log, with_messages=True)


async def test_line_that_ends_while_the_database_is_locked_tells_it_at_the_next_start(
    tmp_path: Path, installation: Installation
) -> None:
    log = tmp_path / "invites"
    config = write_config(tmp_path, NOWHERE)
    async with AsyncExitStack() as stack, line(config) as running:
        await stack.enter_async_context(locked(sqlite_path(running.settings.database_url)))
        served(await calls(running, log))
        await until(lambda: not running.switchboard.call_ids)
        assert running.line.journal.waiting >= 3 * len(CALLERS)
        still_locked = stack.pop_all()
    await still_locked.aclose()
    async with line(config) as running:
        await found_again(running, log, with_messages=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not one byte is free."""
    path = folder / "filler"
    try:
        with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        assert os.statvfs(folder).f_bfree == 0
        yield
    finally:
        path.unlink()


def rewritten(path: Path, **values: Any) -> Path:
    """config.yaml with other values at its top level."""
    yaml = YAML()
    config = yaml.load(path.read_text(encoding="utf-8"))
    config.update(values)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(config, file)
    return path


async def test_full_disk_under_the_database_keeps_nobody_waiting_and_loses_nothing(
    tmp_path: Path, small_disk: Path, installation: Installation
) -> None:
    log = tmp_path / "invites"
    url = {"url": f"sqlite:///{small_disk / 'huisheng.db'}", "wait_seconds": 30}
    async with line(rewritten(write_config(tmp_path, NOWHERE), database=url)) as running:
        with filled(small_disk):
            results = await calls(running, log)
            assert running.line.journal.spooling
            served(results)
        await found_again(running, log, with_messages=True)


async def test_full_disk_under_everything_costs_messages_and_no_ticket(
    tmp_path: Path, small_disk: Path, installation: Installation
) -> None:
    """Asterisk has no room for what callers tell; the spool has kept room for everything else."""
    log = tmp_path / "invites"
    config = rewritten(write_config(tmp_path, NOWHERE), state_dir=str(small_disk))
    async with line(config) as running:
        with filled(small_disk):
            results = await calls(running, log)
            assert running.line.journal.spooling
            served(results)
        await found_again(running, log, with_messages=False)
