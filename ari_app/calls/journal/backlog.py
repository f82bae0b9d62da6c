"""What the desk does not have yet: in the spool, and where that is full, in memory."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import structlog

from ari_app.calls.journal.spool import FIRST, Spool, SpoolError
from ari_app.calls.journal.units import Record, UnknownUnitError
from desk.errors import DatabaseBusy, DatabaseOverloaded

log = structlog.get_logger()

MOST_IN_MEMORY = 10_000
MEMORY_SECONDS = 7200.0
"""The longest wait of somebody who is not content with memory."""


@dataclass(slots=True, eq=False)
class Entry(Record):
    """A record, and who waits for it: for its result, or for None if it will be written later.

    safely: whoever waits is not content while the record is in memory only.
    """

    waiter: "asyncio.Future[Any] | None" = None
    safely: bool = False

    def done(self, result: Any) -> None:
        """It is written, or will be."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(result)

    def failed(self, error: Exception) -> None:
        """It will never be written."""
        if self.waiter is None or self.waiter.done():
            log.error("not recorded", call=self.call_id, unit=self.unit.kind.name, error=str(error))
        else:
            self.waiter.set_exception(error)

    def expired(self) -> None:
        """It has waited in memory for too long."""
        if self.waiter is not None and not self.waiter.done():
            late = f"neither desk nor spool took the record within {MEMORY_SECONDS:g} s"
            self.waiter.set_exception(DatabaseBusy(late))


class Backlog:
    """Records in their order: those of the spool, then those in memory."""

    def __init__(self, spool: Spool | None) -> None:
        self._spool = spool
        self._memory: deque[Entry] = deque()
        self._place = FIRST  # up to where the spool is in the desk
        self._next_place = FIRST
        self._taken = 0  # entries that `next` gave and `advance` has not confirmed
        self._in_desk = 0  # of the spool's records
        self._readable = True

    def __len__(self) -> int:
        return len(self._memory) + self._spooled - self._in_desk

    @property
    def has_spool(self) -> bool:
        """Whether records survive a crash here."""
        return self._spool is not None and not self._spool.fault

    @property
    def is_used_up(self) -> bool:
        """Whether the desk has everything."""
        return not self._memory and (
            self._spool is None or (self._place >= self._spool.end and not self._spool.unsynced)
        )

    @property
    def _spooled(self) -> int:
        return self._spool.records if self._spool is not None else 0

    async def pause(self) -> None:
        """Wait until the disk should be asked to take more."""
        if self._spool is not None:
            await self._spool.pause()

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Take these, to be written later. Waiters are told once theirs is safe."""
        spooled = 0
        for entry in entries:
            if self._spool is None or self._memory or not self._spool.append(entry.as_bytes()):
                self._remember(entry)
            else:
                spooled += 1
        if self._spool is None or not spooled:
            return
        try:
            await self._spool.sync()
        except SpoolError as error:
            log.error("the spool takes no records until the next start", error=str(error))
            newer = list(self._memory)
            self._memory.clear()
            for entry in (*entries[:spooled], *newer):
                self._remember(entry)
            return
        for entry in entries[:spooled]:
            entry.done(None)

    async def next(self, most: int) -> list[Entry]:
        """The oldest entries, at most `most`; again the same until `advance` is called."""
        while self._spool is not None and self._place < self._spool.end:
            try:
                records, self._next_place = await self._spool.read(self._place, most)
            except SpoolError as error:
                log.error("the spool is left to the next start", error=str(error))
                self._readable = False
                records = []
            if not records:
                self._next_place = self._spool.end
            entries = [entry for entry in map(_entry, records) if entry is not None]
            self._taken = len(records)
            if entries:
                return entries
            self.advance()
        entries = list(islice(self._memory, most))
        self._taken = len(entries)
        return entries

    def advance(self) -> None:
        """The desk has what `next` gave."""
        if self._next_place > self._place:
            self._place = self._next_place
            self._in_desk += self._taken
        else:
            for _ in range(self._taken):
                self._memory.popleft()
        self._taken = 0

    async def empty(self) -> None:
        """Forget everything: it is used up. What could not be read stays, for the next process."""
        if self._spool is not None and self._readable and not self._spool.is_empty:
            try:
                await self._spool.empty()
            except SpoolError as error:
                log.error("the spool takes no records until the next start", error=str(error))
            self._place = self._next_place = self._spool.end if self._spool.fault else FIRST
            self._in_desk = self._spooled

    async def aclose(self) -> None:
        """Let go of the spool. What is in memory only is lost, which is an alarm."""
        if self._memory:
            log.error(
                "records are lost that neither the desk nor the spool took", records=len(self)
            )
        for entry in self._memory:
            entry.expired()
        if self._spool is not None:
            await self._spool.aclose()

    def _remember(self, entry: Entry) -> None:
        if len(self._memory) >= MOST_IN_MEMORY:
            entry.failed(DatabaseOverloaded("desk, spool and memory take no more records"))
            return
        if not self._memory:
            log.error(
                "records wait in memory, where a crash would lose them",
                mend="bring the desk back, and give the spool room: see `huisheng doctor`",
            )
        entry.again = True
        self._memory.append(entry)
        if not entry.safely:
            entry.done(None)
        elif entry.waiter is not None:
            asyncio.get_running_loop().call_later(MEMORY_SECONDS, entry.expired)


def _entry(record: bytes) -> Entry | None:
    try:
        read = Record.from_bytes(record)
    except (UnknownUnitError, msgspec.MsgspecError) as error:
        log.error("a spooled record cannot be used", error=str(error), bytes=len(record))
        return None
    return Entry(read.unit, read.at, read.call_id, again=True)
