"""A journal on a desk in memory that fails as it is told, and a way to compare two desks."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, select

from ari_app.calls.call import Call, Stage
from ari_app.calls.journal import Journal
from ari_app.calls.journal.spool import Spool
from ari_app.ivr.walk import Choice
from desk import customers, timeline
from desk.db import schema
from desk.errors import DatabaseBusy
from desk.region import locate
from desk.tickets import NewTicket
from tests.crm_bridge.virtual import MemoryDatabase

START = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
CALLER = "02253456789"
CHOICE = Choice("main", "1", "投诉", "complaint", "message")
SPOOL_BYTES = 256 * 1024
WAIT_SECONDS = 30.0  # the desk's own patience


class Does(StrEnum):
    """What the desk does with one unit of work."""

    TAKES = "takes"
    REFUSES = "refuses"
    HANGS = "hangs"
    TAKES_AND_REFUSES = "takes, but says no"
    TAKES_AND_HANGS = "takes, but never says so"
    TAKES_LATE = "takes it after nobody waits any more"
    DIES = "the process dies before"
    TAKES_AND_DIES = "the process dies before it hears of it"


class FickleDesk(MemoryDatabase):
    """A desk that does what `script` says, and takes everything afterwards.

    `died` is set when the process should have died; from then on nothing comes back.
    """

    def __init__(self, script: Iterable[Does] = ()) -> None:
        super().__init__()
        self.script = list(script)
        self.died = asyncio.Event()
        self.batches: list[int] = []
        self.late: list[Callable[[], object]] = []

    async def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.died.is_set():
            await _never()
        does = self.script.pop(0) if self.script else Does.TAKES
        while self.late:  # one writer: what was given up goes first
            self.late.pop(0)()
        self.batches.append(len(args[0]))

        def take() -> Any:
            with self._engine.begin() as connection:
                return work(connection, *args, **kwargs)

        await asyncio.sleep(0)
        if does is Does.TAKES_LATE:
            self.late.append(take)
            await asyncio.sleep(WAIT_SECONDS)
            raise DatabaseBusy("no answer")
        result = None if does in (Does.DIES, Does.REFUSES, Does.HANGS) else take()
        if does in (Does.DIES, Does.TAKES_AND_DIES):
            self.died.set()
            await _never()
        if does in (Does.HANGS, Does.TAKES_AND_HANGS):
            await asyncio.sleep(WAIT_SECONDS)
        if does not in (Does.TAKES,):
            raise DatabaseBusy("locked")
        return result

    async def look(self, work: Callable[..., Any], *args: Any) -> Any:
        """Read past all trouble."""
        with self._engine.begin() as connection:
            return work(connection, *args)


@dataclass
class Way:
    """One process's way to the desk: it ends with the process."""

    desk: FickleDesk
    gone: bool = False

    async def write(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.gone:
            await _never()
        return await self.desk.write(work, *args, **kwargs)

    async def read(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self.desk.read(work, *args, **kwargs)


async def _never(*_: object) -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


def now() -> float:
    """The loop's virtual time."""
    return asyncio.get_running_loop().time()


async def at_once(work: Callable[..., Any], *args: Any) -> Any:
    """In place of a thread."""
    return work(*args)


@dataclass
class Clock:
    """Says what it is set to."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def tick(self, seconds: float = 1.0) -> None:
        self.at += timedelta(seconds=seconds)


def call_of(name: str, caller_id: str = CALLER) -> Call:
    nothing: Any = None
    return Call(
        id=f"huisheng-{name}",
        channel=nothing,
        events=nothing,
        caller_id=caller_id,
        dialled="4001234567",
        menus=nothing,
        lease=nothing,
        caller=locate(caller_id, "022"),
    )


def ticket_of(call: Call, kind: str = "complaint") -> NewTicket:
    return NewTicket(kind, "天津 投诉", call_id=call.id, caller=call.caller)


async def spool_at(path: Path, size: int = SPOOL_BYTES) -> Spool:
    return await Spool.open(path, size=size, aside=at_once)


@dataclass
class Rig:
    """A journal, its desk, its spool and its clock."""

    desk: FickleDesk
    path: Path
    clock: Clock = field(default_factory=Clock)
    size: int = SPOOL_BYTES
    journal: Journal = field(init=False)
    spool: Spool = field(init=False)
    way: "Way" = field(init=False)

    async def start(self, seconds: float = 60) -> bool:
        """A process starts."""
        self.spool = await spool_at(self.path, self.size)
        self.way = Way(self.desk)
        database: Any = self.way
        self.journal = Journal(database, self.clock, self.spool)
        return await self.journal.replay(seconds)

    async def die(self) -> None:
        """The process dies with everything it had in memory."""
        self.way.gone = True
        self.spool._aside = _never  # type: ignore[assignment]
        own = asyncio.current_task()
        while tasks := [task for task in asyncio.all_tasks() if task is not own]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.desk.late.clear()
        self.desk.died.clear()

    async def caught_up(self) -> None:
        """Wait until the desk has everything."""
        await self.journal.flush()
        while self.journal.spooling:  # noqa: ASYNC110 - virtual time: this costs none
            await asyncio.sleep(0.1)

    async def begun(self, name: str = "1", stage: Stage = Stage.MENU) -> Call:
        """A call in a stage."""
        call = call_of(name)
        await self.journal.begin(call)
        call.stage = stage
        self.clock.tick()
        await self.journal.enter(call)
        return call


_TOLD = ("seq", "at", "kind", "call_id", "ticket_id", "customer_id", "actor", "body")


def contents(db: Connection) -> dict[str, Any]:
    """Everything that calls leave in a desk; salts and hashes apart, which are random."""
    told = [schema.timeline.c[name] for name in _TOLD]
    tables = {
        "calls": select(schema.calls).order_by(schema.calls.c.id),
        "tickets": select(schema.tickets).order_by(schema.tickets.c.id),
        "recordings": select(schema.recordings).order_by(schema.recordings.c.id),
        "timeline": select(*told).order_by(schema.timeline.c.seq),
    }
    found: dict[str, Any] = {
        name: [tuple(row) for row in db.execute(query)] for name, query in tables.items()
    }
    assert not timeline.verify(db).flaws
    return found


def kinds(db: Connection, call_id: str | None = None) -> Sequence[str]:
    """What the timeline tells, in order."""
    return [e.kind for e in timeline.entries_after(db, 0, 1000, call_id=call_id)]


def know_caller(db: Connection) -> None:
    customers.import_csv(db, f"name,company,level,numbers\n张三,三元公司,VIP,{CALLER}\n", START)
