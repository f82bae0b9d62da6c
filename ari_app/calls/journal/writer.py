"""Writes records to the desk, in the order in which they were made.

One queue, one task. While the desk answers, everything that waits is one transaction. When it is
away, everything goes to the backlog, and a second task writes the backlog to the desk from its
beginning until nothing is left; only then records go straight to the desk again. So whatever may
have to be written twice (after a crash, or when an attempt took effect unnoticed) is repeated
from its beginning, in its order, before anything newer is written.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from ari_app.ari.backoff import delays
from ari_app.calls.journal.backlog import Backlog, Entry
from ari_app.calls.journal.units import apply
from desk.db.engine import Database
from desk.errors import DatabaseBusy, DatabaseError, DatabaseOverloaded

log = structlog.get_logger()

PATIENCE_SECONDS = 2.0
COMPANY_SECONDS = 0.05
"""So long a record that nobody waits for waits for others to be written with."""
MOST_TOGETHER = 128
MOST_WAITING = 10_000
CLOSE_SECONDS = 5.0


class RecordWriter:
    """The way of records to the desk. Belongs to one event loop; idle, it has no task."""

    def __init__(self, db: Database, backlog: Backlog) -> None:
        self._db = db
        self._backlog = backlog
        self._queue: deque[Entry] = deque()
        self._spooling = False
        self._turn = asyncio.Lock()  # whoever has it decides where the next records go
        self._writing: asyncio.Task[None] | None = None
        self._replaying: asyncio.Task[None] | None = None
        self._company: asyncio.TimerHandle | None = None

    @property
    def spooling(self) -> bool:
        """Whether the desk is away, or does not have yet what was kept meanwhile."""
        return self._spooling

    @property
    def waiting(self) -> int:
        """Records that the desk does not have yet."""
        return len(self._queue) + len(self._backlog)

    def put(self, entry: Entry) -> None:
        """Write this record after all others; together with more, as nobody waits for it."""
        if not self._queued(entry):
            return
        if self._spooling:
            self._start()
        elif self._company is None and not _is_on(self._writing):
            loop = asyncio.get_running_loop()
            self._company = loop.call_later(COMPANY_SECONDS, self._start)

    async def write(self, entry: Entry) -> None:
        """Write this record after all others, at once. Returns when it is, or is about to be: its
        waiter knows.
        """
        if not self._queued(entry):
            return
        if self._spooling or self._turn.locked() or len(self._queue) > MOST_TOGETHER:
            self._start()
            return
        try:
            async with self._turn:  # no task of its own: this is on every caller's way
                await self._round()
        finally:
            self._start()

    async def replay(self, seconds: float) -> bool:
        """Write what a former process left in the spool; False if the desk did not take it
        within `seconds` (it is written when it does).
        """
        if self._backlog.is_used_up:
            return True
        replaying = self._go_away("a former process left some")
        await asyncio.wait({replaying}, timeout=seconds)
        return not self._spooling

    async def flush(self) -> None:
        """Wait until everything so far is in the desk or in the backlog."""
        self._start()
        if self._writing is not None:
            await asyncio.wait({self._writing})
        async with self._turn:
            pass

    async def aclose(self) -> None:
        """Write what waits, to the backlog if the desk is away, and stop."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        except TimeoutError:
            log.error("the journal could not be written to its end", records=len(self._queue))
        for task in (self._writing, self._replaying):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        for entry in self._queue:
            entry.failed(DatabaseBusy("the line stopped before the desk or the spool took it"))
        await self._backlog.aclose()

    def _queued(self, entry: Entry) -> bool:
        if len(self._queue) < MOST_WAITING:
            self._queue.append(entry)
            return True
        entry.failed(DatabaseOverloaded(f"{MOST_WAITING} records wait; look for a slow disk"))
        return False

    def _start(self) -> None:
        if self._company is not None:
            self._company.cancel()
            self._company = None
        if self._queue and not _is_on(self._writing):
            self._writing = asyncio.create_task(self._write(), name="journal")

    async def _write(self) -> None:
        while self._queue:
            if self._spooling:
                await self._backlog.pause()
            async with self._turn:
                await self._round()

    async def _round(self) -> None:
        """Take a batch from the queue to where it belongs."""
        queue = self._queue
        batch: Sequence[Entry] = [queue.popleft() for _ in range(min(MOST_TOGETHER, len(queue)))]
        try:
            if not self._spooling:
                batch = await self._to_desk(batch)
            if batch:
                await self._backlog.keep(batch)
        except asyncio.CancelledError:
            for entry in batch:
                entry.again = True
            queue.extendleft(reversed(batch))
            raise
        except Exception as error:
            log.exception("records could not be written", records=len(batch))
            for entry in batch:
                entry.failed(error)

    async def _to_desk(self, batch: Sequence[Entry]) -> Sequence[Entry]:
        """Write it. What is left, if the desk is away."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                results = await self._db.write(apply, batch)
        except (DatabaseError, TimeoutError) as error:
            hopeless = isinstance(error, DatabaseError) and not error.retryable
            if hopeless and not self._backlog.has_spool:
                for entry in batch:
                    entry.failed(error)
                return ()
            self._go_away(str(error) or f"the desk did not answer within {PATIENCE_SECONDS:g} s")
            return batch
        except Exception as error:  # noqa: BLE001 - it is the waiter's, or logged
            if len(batch) == 1:
                batch[0].failed(error)
                return ()
            for place, entry in enumerate(batch):  # one of them is at fault, not all
                if await self._to_desk([entry]):
                    return batch[place:]
            return ()
        for entry, result in zip(batch, results, strict=True):
            entry.done(result)
        return ()

    def _go_away(self, why: str) -> "asyncio.Task[None]":
        self._spooling = True
        log.error("records of calls wait for the desk", why=why, mend="see `huisheng doctor`")
        self._replaying = asyncio.create_task(self._replay(), name="journal replay")
        return self._replaying

    async def _replay(self) -> None:
        written, waits = 0, delays(0.25, 5.0)
        while True:
            try:
                entries = await self._backlog.next(MOST_TOGETHER)
                if entries:
                    await self._again(entries)
                    self._backlog.advance()
                    written += len(entries)
                    continue
                async with self._turn:
                    if self._backlog.is_used_up:
                        await self._backlog.empty()
                        self._spooling = False
                        log.warning("the desk has every record again", records=written)
                        return
            except DatabaseError as error:
                log.info("the desk is still away", error=str(error), records=self.waiting)
            except Exception:
                # Whatever it is: records would be kept away from the desk until the next start.
                log.exception("records could not be written again", records=self.waiting)
            await asyncio.sleep(next(waits))

    async def _again(self, entries: Sequence[Entry]) -> None:
        """Write what may have been written before.

        Raises:
            DatabaseError: the desk is away.
        """
        try:
            results = await self._db.write(apply, entries)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - it is the waiter's, or logged
            if len(entries) == 1:
                entries[0].failed(error)
                return
            for entry in entries:
                await self._again([entry])
            return
        for entry, result in zip(entries, results, strict=True):
            entry.done(result)


def _is_on(task: "asyncio.Task[None] | None") -> bool:
    return task is not None and not task.done()
