"""The one task that keeps all chores: wakes on commits and when something is due, never idles long.

Each chore works in units of its own. One that fails is logged and tried again later; one that waits
for a lock is waited for; the others go on meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from desk.chores.chore import Chore
from desk.chores.standing import standing
from desk.db.commits import Subscription
from desk.db.engine import Database
from desk.errors import DatabaseError

MOST_SECONDS = 30.0
"""The longest wait: on SQLite, commits of other processes come unannounced."""
LEAST_SECONDS = 0.2
"""The shortest, after a chore that was due did nothing: another process is at it."""
GATHER_SECONDS = 0.2
"""Commits come in bursts; one look, which costs milliseconds of a processor, serves a burst."""
MOST_BACK_OFF_SECONDS = 300.0
MOST_WORKING = 3
"""Chores that work at the same time: calls need connections to the database too."""
TURN_SECONDS = 1.0
"""So long a chore that finds ever more to do keeps its place among those that work."""
AT_ONCE = 20
"""Things per unit of work, so that no call waits long for the database."""

log = structlog.get_logger()


async def keep(
    db: Database,
    chores: Sequence[Chore],
    now: Callable[[], datetime],
    *,
    most_seconds: float = MOST_SECONDS,
) -> None:
    """Keep chores until cancelled. Nothing that a chore or the database does ends this.

    Raises:
        ValueError: two chores have one name.
    """
    with db.subscribe() as commits:
        keeper = _Keeper(db, chores, now, commits)
        async with asyncio.TaskGroup() as tasks:
            while True:
                due, seconds = await keeper.look(most_seconds)
                for chore in due:
                    tasks.create_task(keeper.work(chore), name=f"chore {chore.name}")
                if await commits.wait(seconds):
                    await asyncio.sleep(GATHER_SECONDS)


async def catch_up(db: Database, chores: Sequence[Chore], now: Callable[[], datetime]) -> None:
    """Do everything that is due now, and what follows from it; for commands and tests.

    Raises:
        Exception: what a chore raises.
        RuntimeError: a follower of these cannot react to an entry.
    """
    while True:
        done = 0
        for chore in chores:
            at = await db.read(chore.next_at)
            if at is not None and at <= now():
                done += await db.write(chore.work, now(), AT_ONCE)
        if not done:
            break
    names = {chore.name for chore in chores}
    for one in await db.read(standing):
        if one.error and one.name in names:
            raise RuntimeError(f"{one.name} cannot react to what follows {one.seq}: {one.error}")


@dataclass(slots=True)
class _State:
    """Of one chore. `rests_until`: in the event loop's time."""

    works: bool = False
    failures: int = 0
    idle: int = 0
    rests_until: float = 0.0


class _Keeper:
    """What `keep` remembers from one look to the next."""

    def __init__(
        self,
        db: Database,
        chores: Sequence[Chore],
        now: Callable[[], datetime],
        commits: Subscription,
    ) -> None:
        names = [chore.name for chore in chores]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two chores are named {', '.join(sorted(twice))}; rename one")
        self._db, self._chores, self._now, self._commits = db, tuple(chores), now, commits
        self._states = {name: _State() for name in names}
        self._slots = asyncio.Semaphore(MOST_WORKING)
        self._clock = asyncio.get_running_loop().time

    async def look(self, most_seconds: float) -> tuple[list[Chore], float]:
        """The chores that are to work now, and for how many seconds there is nothing else to do
        if nothing is written."""
        clock = self._clock()
        due, seconds = [], most_seconds
        asked = []
        for chore in self._chores:
            state = self._states[chore.name]
            if state.rests_until > clock:
                seconds = min(seconds, state.rests_until - clock)
            elif not state.works:
                asked.append(chore)
        now = self._now()
        for chore, at in await self._ask(asked):
            if at is not None and at <= now:
                self._states[chore.name].works = True
                due.append(chore)
            elif at is not None:
                seconds = min(seconds, (at - now).total_seconds())
        return due, max(seconds, LEAST_SECONDS)

    async def work(self, chore: Chore) -> None:
        """Units of a chore, one after the other, until there is nothing left for it or others
        shall have their turn. Afterwards `keep` looks again."""
        state = self._states[chore.name]
        try:
            async with self._slots:
                turn_ends = self._clock() + TURN_SECONDS
                worked = False
                while await self._db.write(chore.work, self._now(), AT_ONCE):
                    worked = True
                    at = await self._db.read(chore.next_at)
                    if at is None or at > self._now() or self._clock() >= turn_ends:
                        break
        except Exception as error:  # noqa: BLE001 - no chore stops the others
            self._failed(chore, error)
        else:
            state.failures = 0
            state.idle = 0 if worked else min(state.idle + 1, 5)
            if not worked:
                state.rests_until = self._clock() + LEAST_SECONDS * 2 ** (state.idle - 1)
        finally:
            state.works = False
            self._commits.wake()

    async def _ask(self, chores: Sequence[Chore]) -> list[tuple[Chore, datetime | None]]:
        """When each has something to do; of one that cannot tell it is noted that it failed."""
        try:
            return list(zip(chores, await self._db.read(_moments, chores), strict=True))
        except Exception as error:  # noqa: BLE001 - one of them, or the database: it is told below
            log.debug("chores are asked one by one", error=str(error))
        found: list[tuple[Chore, datetime | None]] = []
        for chore in chores:
            try:
                found.append((chore, await self._db.read(chore.next_at)))
            except Exception as error:  # noqa: BLE001 - no chore stops the others
                self._failed(chore, error)
        return found

    def _failed(self, chore: Chore, error: Exception) -> None:
        state = self._states[chore.name]
        state.failures += 1
        seconds = min(2.0 ** min(state.failures - 1, 20), MOST_BACK_OFF_SECONDS)
        state.rests_until = self._clock() + seconds
        told = {"chore": chore.name, "attempt": state.failures, "again_in_seconds": seconds}
        if isinstance(error, DatabaseError) and error.retryable:
            log.warning("a chore waits for the database", error=str(error), **told)
        else:
            log.error("a chore failed", exc_info=error, **told)


def _moments(db: Connection, chores: Sequence[Chore]) -> list[datetime | None]:
    return [chore.next_at(db) for chore in chores]
