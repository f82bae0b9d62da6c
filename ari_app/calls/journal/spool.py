"""The spool: a file of fixed size that holds records while the desk is away.

Its space is taken when the line starts, so a disk that fills up later cannot stop it. A record is
durable once `sync` returns; what a crash tears is the last one, which is passed over. Records are
read from the beginning until all are used, and then the file is emptied as a whole: an epoch in
its head, which every check sum covers, tells new records from old ones.

    head: 8 bytes of magic, 8 bytes of epoch; at 4096: records of length, CRC-32, payload
"""

import asyncio
import os
import secrets
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import structlog

log = structlog.get_logger()

BYTES = 16 * 2**20
MOST_RECORD = 2**20
SYNC_SECONDS = 0.05  # between two writes: what comes meanwhile shares the next one
DEADLINE_SECONDS = 2.0  # for the disk
FIRST = 4096
_MAGIC = b"HSSPOOL1"
_HEAD = struct.Struct("<8s8s")
_FRAME = struct.Struct("<II")
_CHUNK = _FRAME.size + MOST_RECORD
Aside = Callable[..., Awaitable[Any]]
"""Runs a function where it may block: `asyncio.to_thread`."""


class SpoolError(Exception):
    """The disk did not take it. The spool is not used any more until the next start."""


class Spool:
    """An open spool. One task writes, one reads; neither blocks the event loop."""

    def __init__(self, path: Path, aside: Aside = asyncio.to_thread) -> None:
        self.path = path
        self.fault = ""
        self._aside = aside
        self._file = -1
        self._size = 0
        self._epoch = b""
        self._end = FIRST
        self._records = 0
        self._fresh = 0
        self._unwritten = bytearray()
        self._written_at = float("-inf")

    @classmethod
    async def open(cls, path: Path, *, size: int = BYTES, aside: Aside = asyncio.to_thread) -> Self:
        """Open the file, or make it. Where there is no room for it the line serves without:
        `fault` says so.

        Args:
            size: in bytes; a larger file that is there stays as it is.
        """
        spool = cls(path, aside)
        try:
            await aside(spool._open, size)
        except OSError as error:
            spool.fault = f"{path} cannot be kept ({error.strerror})"
            log.error(
                "no spool: records of calls are safe only while the desk answers",
                error=spool.fault,
                mend="free some space, or mend the rights of state_dir, and restart",
            )
        return spool

    @classmethod
    def peek(cls, path: Path) -> int:
        """How many records a spool holds that nobody uses now; nothing is changed.

        Raises:
            OSError: it cannot be read.
        """
        spool = cls(path)
        spool._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            spool._size = os.fstat(spool._file).st_size
            head = os.pread(spool._file, _HEAD.size, 0)
            if len(head) < _HEAD.size or not head.startswith(_MAGIC):
                return 0
            spool._epoch = _HEAD.unpack(head)[1]
            spool._count()
            return spool._records
        finally:
            os.close(spool._file)

    @property
    def is_empty(self) -> bool:
        """Whether no record is in it."""
        return self._end == FIRST and not self._unwritten

    @property
    def records(self) -> int:
        """How many durable records are in it."""
        return self._records

    @property
    def unsynced(self) -> bool:
        """Whether something was appended that is not on the disk yet."""
        return bool(self._unwritten)

    def append(self, record: bytes) -> bool:
        """Add a record, to be written by the next `sync`. False if there is no room for it."""
        length = _FRAME.size + len(record)
        room = self._size - self._end - len(self._unwritten)
        if self.fault or length > room or len(record) > MOST_RECORD:
            return False
        self._unwritten += _FRAME.pack(len(record), self._sum(record)) + record
        self._fresh += 1
        return True

    async def pause(self) -> None:
        """Wait until the next `sync` is due."""
        due = self._written_at + SYNC_SECONDS - asyncio.get_running_loop().time()
        if due > 0:
            await asyncio.sleep(due)

    async def sync(self) -> None:
        """Bring what was appended to the disk.

        Raises:
            SpoolError: it was not taken; the records before are still there to be read.
        """
        data, self._unwritten = bytes(self._unwritten), bytearray()
        fresh, self._fresh = self._fresh, 0
        await self._on_disk(self._write, self._end, data)
        self._end += len(data)
        self._records += fresh
        self._written_at = asyncio.get_running_loop().time()

    @property
    def end(self) -> int:
        """The place behind the last durable record."""
        return self._end

    async def read(self, place: int, most: int) -> tuple[list[bytes], int]:
        """At most `most` durable records from `place` (`FIRST` at the beginning), and the place
        behind them.

        Raises:
            SpoolError: the file cannot be read.
        """
        records: list[bytes]
        records, place = await self._on_disk(self._read, place, self._end, most)
        return records, place

    async def empty(self) -> None:
        """Forget every record, durably; their bytes are overwritten, for they tell of people.

        Raises:
            SpoolError: the next start may find the records again.
        """
        epoch = secrets.token_bytes(8)
        await self._on_disk(self._renew, epoch, self._end)
        self._epoch, self._end, self._records = epoch, FIRST, 0

    async def aclose(self) -> None:
        """Close the file; what was not synced is lost. After a fault it stays open: a thread may
        hang in it, and must not meet another file under the same number.
        """
        file, self._file = self._file, -1
        if file >= 0 and not self.fault:
            await self._aside(os.close, file)
        self.fault = self.fault or f"{self.path} is closed"

    # in a thread

    def _open(self, size: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            there = os.fstat(file).st_size
            os.posix_fallocate(file, 0, max(size, FIRST))
            self._file, self._size = file, max(size, there)
            magic, self._epoch = _HEAD.unpack(os.pread(file, _HEAD.size, 0))
            if magic != _MAGIC:
                self._epoch = secrets.token_bytes(8)
                self._renew(self._epoch, FIRST)
                return
            self._count()
        except BaseException:
            self._file = -1
            os.close(file)
            raise

    def _count(self) -> None:
        records = [b""]
        while records:
            records, self._end = self._read(self._end, self._size, _CHUNK)
            self._records += len(records)

    def _write(self, place: int, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(self._file, data[written:], place + written)
        os.fdatasync(self._file)

    def _renew(self, epoch: bytes, end: int) -> None:
        self._write(0, _HEAD.pack(_MAGIC, epoch))
        self._write(FIRST, bytes(end - FIRST))

    def _read(self, place: int, end: int, most: int) -> tuple[list[bytes], int]:
        data = os.pread(self._file, min(_CHUNK, end - place), place)
        records: list[bytes] = []
        used = 0
        while len(records) < most and used + _FRAME.size <= len(data):
            length, check = _FRAME.unpack_from(data, used)
            record = data[used + _FRAME.size : used + _FRAME.size + length]
            if not length or len(record) < length or self._sum(record) != check:
                break
            records.append(record)
            used += _FRAME.size + length
        return records, place + used

    def _sum(self, record: bytes) -> int:
        return zlib.crc32(record, zlib.crc32(self._epoch))

    async def _on_disk(self, work: Callable[..., Any], *args: Any) -> Any:
        if self._file < 0:
            raise SpoolError(self.fault)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await self._aside(work, *args)
        except (OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or f"no answer within {DEADLINE_SECONDS:g} s"
            self.fault = f"{self.path} cannot be used ({why})"
            raise SpoolError(self.fault) from error
