"""A lane: threads that take units of work from one bounded queue.

The event loop hands a unit over with one queue operation and gets all results of a batch back
with one wake-up, so a unit costs one hop to the thread and one back, however many travel together.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection

from desk.errors import DatabaseBusy, DatabaseClosed, DatabaseOverloaded

Work = Callable[[Connection], Any]
CLOSE_SECONDS = 30.0


@dataclass(slots=True, eq=False)
class Unit:
    """One unit of work and what became of it."""

    work: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: "asyncio.Future[Any]"
    deadline: float
    result: Any = None
    error: BaseException | None = None

    def run(self, db: Connection) -> None:
        """Do the work. What it raises propagates."""
        self.error = None
        self.result = self.work(db, *self.args, **self.kwargs)

    def fail(self, error: BaseException) -> None:
        """Keep what went wrong for the caller."""
        self.result = None
        # A future refuses this one: to whoever awaits it, it would mean the end of a generator.
        self.error = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error

    @property
    def abandoned(self) -> bool:
        """Nobody waits any more: the caller was cancelled, or its deadline passed."""
        return self.future.done()


Handler = Callable[[list[Unit]], bool]


@dataclass(eq=False)
class Lane:
    """Threads named `name`; each owns a handler made in that thread by `open_handler`.

    A handler gets at most `batch` units, sets result or error of each, and returns whether to
    call `announce` afterwards. More than `bound` waiting units: `DatabaseOverloaded` at once.

    All units have the same time, so the oldest is the first to run out of it: one alarm, set when
    it is needed, watches over all of them.
    """

    name: str
    open_handler: Callable[[], tuple[Handler, Callable[[], None]]]
    announce: Callable[[], None]
    loop: asyncio.AbstractEventLoop
    wait_seconds: float
    threads: int = 1
    batch: int = 1
    bound: int = 10_000
    _queue: "SimpleQueue[Unit | None]" = field(default_factory=SimpleQueue, init=False)
    _running: list[Thread] = field(default_factory=list, init=False)
    _unanswered: "dict[Unit, None]" = field(default_factory=dict, init=False)  # oldest first
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    async def start(self) -> None:
        """Start the threads. What their `open_handler` raises is raised here."""
        for number in range(self.threads):
            opened = self.loop.create_future()
            thread = Thread(
                target=self._serve, args=(opened,), name=f"{self.name}-{number}", daemon=True
            )
            thread.start()
            async with asyncio.timeout(self.wait_seconds):
                await opened
            self._running.append(thread)

    @property
    def waiting(self) -> int:
        """Units that no thread has taken yet."""
        return self._queue.qsize()

    async def submit(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Have `work(connection, *args, **kwargs)` done; its result, or what it raised."""
        if self._closed:
            raise DatabaseClosed("the database is closed; open it before giving it work")
        if self._queue.qsize() >= self.bound:
            raise DatabaseOverloaded(
                f"{self.bound} units of work already wait for the database ({self.name}); "
                "try again in a moment, and look for a slow disk if it persists"
            )
        deadline = self.loop.time() + self.wait_seconds
        unit = Unit(work, args, kwargs, self.loop.create_future(), deadline)
        self._unanswered[unit] = None
        if self._alarm is None:
            self._alarm = self.loop.call_at(deadline, self._expire)
        self._queue.put(unit)
        return await unit.future

    def _expire(self) -> None:
        """Answer the units whose time is over, and set the alarm for the next."""
        self._alarm = None
        now = self.loop.time()
        for unit in list(self._unanswered):
            if unit.deadline > now:
                self._alarm = self.loop.call_at(unit.deadline, self._expire)
                return
            del self._unanswered[unit]
            if not unit.future.done():
                unit.future.set_exception(
                    DatabaseBusy(
                        f"the database did not confirm within {self.wait_seconds:g} s (another "
                        "process holds the lock, or the disk is slow); the change may still take "
                        "effect"
                    )
                )

    async def aclose(self) -> None:
        """Finish what waits, then end the threads."""
        if self._closed:
            return
        self._closed = True
        for _ in self._running:
            self._queue.put(None)
        for thread in self._running:
            await asyncio.to_thread(thread.join, CLOSE_SECONDS)
            if thread.is_alive():
                raise DatabaseBusy(f"{thread.name} did not finish within {CLOSE_SECONDS:g} s")
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _serve(self, opened: "asyncio.Future[None]") -> None:
        try:
            handle, close = self.open_handler()
        except Exception as error:  # noqa: BLE001 - it is the starter's
            self.loop.call_soon_threadsafe(_settle, opened, error)
            return
        self.loop.call_soon_threadsafe(_settle, opened, None)
        try:
            while (units := self._next()) is not None:
                advanced = handle(units)
                self.loop.call_soon_threadsafe(self._deliver, units, advanced)
        finally:
            close()

    def _next(self) -> list[Unit] | None:
        """Wait for a unit; with it come those that already wait, up to `batch`."""
        first = self._queue.get()
        if first is None:
            return None
        units = [first]
        try:
            while len(units) < self.batch:
                unit = self._queue.get_nowait()
                if unit is None:
                    self._queue.put(None)
                    break
                units.append(unit)
        except Empty:
            pass
        return units

    def _deliver(self, units: Sequence[Unit], advanced: bool) -> None:
        for unit in units:
            self._unanswered.pop(unit, None)
            if unit.future.done():
                continue
            if unit.error is not None:
                unit.future.set_exception(unit.error)
            else:
                unit.future.set_result(unit.result)
        if advanced:
            self.announce()


def _settle(future: "asyncio.Future[None]", error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
