"""A desk in memory and a target that does as it is told, for tests in virtual time."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import create_engine, insert
from sqlalchemy.pool import StaticPool

from crm_bridge.outcome import Accepted, Outcome
from desk import timeline
from desk.db.commits import Commits, Subscription
from desk.db.schema import metadata, timeline_head
from desk.db.schema.routing import house
from desk.outbox import Delivery

EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)


def clock() -> datetime:
    """The loop's virtual time as a moment."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


@cache
def _empty() -> bytes:
    """A database with all tables; a copy is there much sooner than a new one."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.begin() as connection:
        genesis = {"id": 1, "seq": 0, "hash": timeline.chain.GENESIS}
        connection.execute(insert(timeline_head).values(genesis))
        connection.execute(insert(house).values(id=1, content="{}"))
    with engine.connect() as connection:
        plain: Any = connection.connection.driver_connection
        whole: bytes = plain.serialize()
    engine.dispose()
    return whole


def _copied() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.deserialize(_empty())
    return connection


class MemoryDatabase:
    """Runs units of work at once, in this thread: nothing takes real time."""

    def __init__(self) -> None:
        self._engine = create_engine("sqlite://", poolclass=StaticPool, creator=_copied)
        self._commits = Commits()
        self.failure: Exception | None = None
        self.writes = 0

    async def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.writes += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        with self._engine.begin() as connection:
            return work(connection, *args, **kwargs)

    read = write

    def subscribe(self) -> Subscription:
        return self._commits.subscribe()

    async def add(self, call_id: str, count: int = 1) -> None:
        def work(connection: Any) -> None:
            for number in range(count):
                timeline.append(
                    connection, kind="call.noted", body={"n": number}, now=clock(), call_id=call_id
                )

        await self.write(work)
        self._commits.announce()

    def close(self) -> None:
        self._engine.dispose()


class Puppet:
    """A connector that answers from a script; afterwards it accepts everything."""

    def __init__(self, seconds: float = 0.0, script: Callable[[Delivery], Outcome] | None = None):
        self.deadline_seconds = 5.0
        self.seconds = seconds
        self.script = script
        self.pushed: list[tuple[float, str, int]] = []
        self.accepted: list[tuple[str, int]] = []
        self.under_way: list[str] = []
        self.closed = False

    async def push(self, delivery: Delivery, now: datetime) -> Outcome:
        assert delivery.key not in self.under_way, "two pushes of one key at a time"
        self.under_way.append(delivery.key)
        try:
            self.pushed.append((asyncio.get_running_loop().time(), delivery.key, delivery.seq))
            await asyncio.sleep(self.seconds)
            outcome = self.script(delivery) if self.script else Accepted()
        finally:
            self.under_way.remove(delivery.key)
        if isinstance(outcome, Accepted):
            self.accepted.append((delivery.key, delivery.seq))
        return outcome

    async def aclose(self) -> None:
        self.closed = True
