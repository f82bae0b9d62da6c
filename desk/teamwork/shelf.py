"""Where attachments lie: one folder, outside of everything that a web server gives away, each file
under a name drawn by lot, encrypted where recordings are.

Everything here waits for the disk: from a coroutine, call it in a thread.
"""

import asyncio
import io
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import structlog

from desk.db.engine import Database
from desk.recordings.errors import StoreError
from desk.recordings.intake import Intake, KeptFile
from desk.recordings.keys import Keys
from desk.recordings.open_file import OpenFile
from desk.recordings.store import Store
from desk.teamwork.attachments import Attachment, files_of, kept_after, lying_open, sealed
from desk.teamwork.content import Kind, checked
from desk.teamwork.settings import AttachmentSettings

log = structlog.get_logger()

SUFFIX = ".file"
BATCH = 100
YOUNG = timedelta(days=1)
"""A file without a row may still get one before it is so old."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A file as the store knows it; `name` is its name without ending."""

    name: str
    path: str
    sha256: str
    bytes: int
    encrypted: bool

    @classmethod
    def of(cls, found: Attachment) -> Self:
        """An attachment's."""
        name = found.file.partition(".")[0]
        return cls(name, found.file, found.sha256, found.bytes, found.encrypted)


class Shelf:
    """The folder and what may be put there. It is made when the first file comes."""

    def __init__(
        self,
        folder: Path,
        settings: AttachmentSettings,
        keys: Keys | None = None,
        *,
        encrypt: bool = False,
    ) -> None:
        self.settings = settings
        self.store = Store(folder, keys, encrypt=encrypt, suffix=SUFFIX)

    def intake(self) -> Intake:
        """A file to be written piece by piece under a name of its own, in a `with` block.

        Raises:
            StoreFull, StoreFailed: when the block is entered.
        """
        return self.store.intake(secrets.token_hex(20))

    def examine(self, kept: KeptFile, name: str, declared: str) -> Kind:
        """What a file that has come is. One that is not taken is deleted.

        Raises:
            BadContent: it is not taken.
            StoreError: it cannot be read back.
        """
        filed = _filed(kept)
        try:
            with self.store.open(filed) as file, _Whole(file) as whole:
                types = tuple(self.settings.types)
                return checked(cast(BinaryIO, whole), file.size, name, declared, types)
        except BaseException:
            self.store.delete(filed)
            raise

    def discard(self, kept: KeptFile) -> None:
        """Delete a file that has come and is not wanted.

        Raises:
            StoreFailed: it is still there; `sweep` deletes it.
        """
        self.store.delete(_filed(kept))

    def open(self, found: Attachment) -> OpenFile:
        """An attachment's file, for reading.

        Raises:
            FileMissing, FileDamaged, KeyUnknown, StoreFailed.
        """
        return self.store.open(Filed.of(found))

    def seal(self, found: Attachment) -> str:
        """Encrypt the file of an attachment that lies open; the new file's name. The old one stays.

        Raises:
            FileMissing, FileDamaged, StoreFull, StoreFailed.
        """
        filed = Filed.of(found)
        self.store.verify(filed)
        return Path(self.store.keep(filed.name, self.store.locate(filed)).path).name

    def delete(self, found: Attachment) -> None:
        """Delete the file of an attachment whose row says so.

        Raises:
            StoreFailed: it is still there; `sweep` deletes it.
        """
        self.store.delete(Filed.of(found))

    def has(self, found: Attachment) -> bool:
        """Whether the file is there."""
        return self.store.locate(Filed.of(found)).is_file()


async def sweep(db: Database, shelf: Shelf, now: datetime) -> int:
    """Delete files older than a day that belong to no attachment: of uploads that broke off, and
    of deleted ones. Attachments whose file is gone are told in the log. Where the shelf encrypts,
    files that lie open since before it did are encrypted. Returns how many files were deleted. It
    may be stopped at any point and is simply run again.

    Raises:
        DatabaseError: the desk does not answer; run it again.
    """
    deleted = 0
    files = shelf.store.files((now - YOUNG).timestamp())
    while batch := await asyncio.to_thread(_batch, files):
        known = await db.read(files_of, [path.name for path in batch])
        for path in batch:
            if path.name not in known:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                deleted += 1
    if deleted:
        log.info("files of no attachment deleted", count=deleted)
    await _tell_of_missing(db, shelf)
    await _seal(db, shelf)
    return deleted


async def _tell_of_missing(db: Database, shelf: Shelf) -> None:
    after, missing = 0, []
    while batch := await db.read(kept_after, after, BATCH):
        after = batch[-1].id
        there = await asyncio.to_thread(lambda found: [shelf.has(one) for one in found], batch)
        missing += [one.id for one, is_there in zip(batch, there, strict=True) if not is_there]
    if missing:
        log.error(
            "attachments without their files",
            count=len(missing),
            first=missing[:5],
            folder=str(shelf.store.folder),
            mend="bring the files back from a backup",
        )


async def _seal(db: Database, shelf: Shelf) -> None:
    after = 0
    while shelf.store.encrypts and (batch := await db.read(lying_open, after, BATCH)):
        after = batch[-1].id
        for found in batch:
            try:
                file = await asyncio.to_thread(shelf.seal, found)
                await db.write(sealed, found, file)
                await asyncio.to_thread(shelf.delete, found)
            except StoreError as error:
                log.error("attachment not encrypted", attachment=found.id, error=str(error))


def _batch(files: Iterator[Path]) -> list[Path]:
    return list(islice(files, BATCH))


def _filed(kept: KeptFile) -> Filed:
    file = Path(kept.path).name
    return Filed(file.partition(".")[0], file, kept.sha256, kept.bytes, kept.encrypted)


class _Whole(io.BufferedReader):
    """A file of the store, encrypted or not, read like any other."""

    def __init__(self, file: OpenFile) -> None:
        super().__init__(_Raw(file), 65_536)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Raw(io.RawIOBase):
    def __init__(self, file: OpenFile) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise OSError("a place before the file's beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = next(self._file.blocks(self._at, self._at + len(buffer)), b"")
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
