"""Writing one recording's file: whole, on the disk and under its name, or not there at all."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from desk.recordings.container import Sealer
from desk.recordings.errors import BadName, StoreError, StoreFailed, StoreFull

PLAIN = ".wav"
MARK = ".sealed"
SEALED = f"{PLAIN}{MARK}"
PART = ".part"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,189}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A recording's file, on the disk.

    Attributes:
        bytes: length of the audio file as it was given, whatever the disk holds.
        sha256: of the same, hexadecimal.
    """

    path: str
    bytes: int
    sha256: str
    encrypted: bool


class Intake:
    """A file on its way into the store. Leaving the block without `commit` leaves nothing.

    with store.intake("party-c1") as intake:
        intake.write(block)
        kept = intake.commit()
    """

    def __init__(self, folder: Path, name: str, key: bytes | None, suffix: str = PLAIN) -> None:
        """`key`: encrypt with it; None: leave the file as it comes."""
        if not _NAME.fullmatch(name):
            raise BadName(name)
        self._folder, self._name = folder, name
        self._sealer = Sealer(key, name) if key is not None else None
        self._hash, self._bytes = hashlib.sha256(), 0
        self._path = folder / f"{name}{suffix}{'' if key is None else MARK}"
        self._part = folder / f".{name}.{secrets.token_hex(6)}{PART}"
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            if self._sealer is not None:
                self._put(self._sealer.header)
        except OSError as error:
            self._give_up()
            raise self._failed(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_up()

    def write(self, data: bytes) -> None:
        """Add `data` to the file.

        Raises:
            StoreFull, StoreFailed: leave the block now; nothing is kept.
        """
        self._hash.update(data)
        self._bytes += len(data)
        try:
            self._put(data if self._sealer is None else self._sealer.seal(data))
        except OSError as error:
            raise self._failed(error) from error

    def commit(self) -> KeptFile:
        """Give the file its name; return when it and its name are on the disk. A file of the same
        name is replaced.

        Raises:
            StoreFull, StoreFailed: nothing is kept.
        """
        try:
            if self._sealer is not None:
                self._put(self._sealer.finish())
            os.fsync(self._descriptor)
            self._close()
            self._part.replace(self._path)
            sync_folder(self._folder)
        except OSError as error:
            raise self._failed(error) from error
        return KeptFile(
            str(self._path), self._bytes, self._hash.hexdigest(), self._sealer is not None
        )

    def _put(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _give_up(self) -> None:
        self._close()
        with contextlib.suppress(OSError):  # `retention.orphans` removes what must stay now
            self._part.unlink()

    def _failed(self, error: OSError) -> StoreError:
        return failed(error, self._name, self._path)


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def failed(error: OSError, name: str, path: Path) -> StoreError:
    """The typed form of what the file system says."""
    if error.errno in _FULL:
        return StoreFull(name, path.parent)
    return StoreFailed(name, path, error.strerror or str(error))
