"""Real processes that keep the desk's chores on one database, and are killed and frozen at random.

    clock = Clock(NOW, speed=60, stopped=tmp_path / "stopped")
    async with Herd(database_url, "tests.desk.test_x:all_chores", clock, tmp_path) as herd:
        await storm(herd, random.Random(seed), harms=200, load=load)
        clock.stop()
        await quiet(herd, db, all_chores())

What a chore does must have happened once afterwards, whoever died in the middle: `counted` counts
entries of the timeline by what makes an effect one.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection

from desk import timeline
from desk.chores import Chore, keep
from desk.db.engine import Database
from desk.errors import DatabaseError

WAIT_SECONDS = 2.0
"""So soon the server ends the transaction of a process that was frozen in the middle."""
LONG_FREEZE_SECONDS = 1.5 * WAIT_SECONDS

_fork = get_context("forkserver")
_fork.set_forkserver_preload([__name__, "desk.service"])


@dataclass(frozen=True)
class Clock:
    """The same time for all processes: `speed` times as fast as the world's, until it is stopped.

    `stopped`: a file that is not there yet.
    """

    start: datetime
    speed: float
    stopped: Path
    origin: float = field(default_factory=time.time)

    def __call__(self) -> datetime:
        """Now."""
        with suppress(FileNotFoundError):
            return datetime.fromisoformat(self.stopped.read_text())
        return self.start + timedelta(seconds=(time.time() - self.origin) * self.speed)

    def stop(self, later: timedelta = timedelta()) -> datetime:
        """Let it be now for ever, or so much later at once, so that what is to be done has an end
        however fast the machine is."""
        now = self() + later
        new = self.stopped.with_suffix(".new")
        new.write_text(now.isoformat())
        new.rename(self.stopped)
        return now


def chores_of(factory: str) -> list[Chore]:
    """What `module:function` returns."""
    module, _, name = factory.partition(":")
    found: list[Chore] = getattr(import_module(module), name)()
    return found


def _live(url: str, factory: str, clock: Clock, log: str) -> None:
    """The life of one process: until it is killed."""
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    asyncio.run(_keep(url, factory, clock))


async def _keep(url: str, factory: str, clock: Clock) -> None:
    while True:
        try:
            async with await Database.open(url, wait_seconds=WAIT_SECONDS) as db:
                await keep(db, chores_of(factory), clock, most_seconds=0.2)
        except TimeoutError:  # was frozen itself while it opened the database
            continue
        except DatabaseError as error:  # locked by one that is frozen
            if not error.retryable:
                raise


@dataclass
class Herd:
    """Processes that keep chores. Leaving the block kills them."""

    url: str
    factory: str
    clock: Clock
    folder: Path
    size: int = 3
    harmed: Counter[str] = field(default_factory=Counter)
    _members: list[BaseProcess] = field(default_factory=list)
    _born: int = 0

    def _start(self) -> BaseProcess:
        self._born += 1
        log = str(self.folder / f"process-{self._born}.log")
        process = _fork.Process(
            target=_live, args=(self.url, self.factory, self.clock, log), daemon=True
        )
        process.start()
        return process

    async def harm(self, chance: random.Random) -> None:
        """Kill one in the middle of whatever it does and start another, or freeze one."""
        self.look()
        place = chance.randrange(len(self._members))
        member = self._members[place]
        assert member.pid is not None
        if chance.random() < 0.5:
            self.harmed["killed"] += 1
            os.kill(member.pid, signal.SIGKILL)
            await asyncio.to_thread(member.join, 10)
            self._members[place] = self._start()
            return
        self.harmed["frozen"] += 1
        os.kill(member.pid, signal.SIGSTOP)
        long = chance.random() < 0.1  # longer than anybody waits for it
        await asyncio.sleep(LONG_FREEZE_SECONDS if long else chance.uniform(0.01, 0.3))
        os.kill(member.pid, signal.SIGCONT)

    def look(self) -> None:
        """Nobody may have ended by himself."""
        for member in self._members:
            assert member.exitcode is None, f"a process ended by itself:\n{self.logs()}"

    def logs(self) -> str:
        """The end of what they printed."""
        files = sorted(self.folder.glob("process-*.log"))
        return "\n".join(file.read_text()[-2000:] for file in files if file.stat().st_size)

    async def __aenter__(self) -> Self:
        self._members = [self._start() for _ in range(self.size)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for member in self._members:
            member.kill()
        for member in self._members:
            await asyncio.to_thread(member.join, 10)
            member.close()


async def storm(
    herd: Herd,
    chance: random.Random,
    harms: int,
    load: Callable[[random.Random], Awaitable[None]],
) -> None:
    """Harm processes so many times while `load` is called again and again: as often at least,
    however slow the machine is."""
    enough = asyncio.Event()

    async def loading() -> None:
        for done in count(1):
            await load(chance)
            if done >= harms:
                enough.set()
            await asyncio.sleep(0.03)

    work = asyncio.create_task(loading(), name="load")
    try:
        for _ in range(harms):
            await asyncio.sleep(chance.uniform(0, 0.15))
            await herd.harm(chance)
            if work.done():
                work.result()
        waiting = asyncio.create_task(enough.wait())
        await asyncio.wait([waiting, work], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work.done():
            work.result()
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def quiet(herd: Herd, db: Database, chores: Sequence[Chore], seconds: float = 60) -> None:
    """Wait until the processes have done all there is to do. Stop the clock before."""

    def late(connection: Connection) -> list[str]:
        moments = [(chore.name, chore.next_at(connection)) for chore in chores]
        return [name for name, at in moments if at is not None and at <= herd.clock()]

    try:
        async with asyncio.timeout(seconds):
            with db.subscribe() as commits:
                while await db.read(late):
                    herd.look()
                    await commits.wait(0.2)
    except TimeoutError as error:
        raise AssertionError(f"not done: {await db.read(late)}\n{herd.logs()}") from error


async def entries(db: Database) -> list[timeline.Entry]:
    """The whole timeline."""
    found: list[timeline.Entry] = []
    while part := await db.read(timeline.entries_after, found[-1].seq if found else 0, 1000):
        found += part
    return found


def counted(told: Sequence[timeline.Entry], kind: str, *names: str) -> Counter[tuple[Any, ...]]:
    """How often each effect happened: entries of a kind by ticket and these words of the body."""
    return Counter(
        (entry.ticket_id, *((entry.body or {}).get(name) for name in names))
        for entry in told
        if entry.kind == kind
    )


def doubled(effects: Counter[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Effects that happened more than once."""
    return [effect for effect, times in effects.items() if times > 1]
