"""Reading one recording's file, whichever form it has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from desk.recordings.container import Damaged, NoKey, Opened
from desk.recordings.errors import FileDamaged, FileMissing, KeyUnknown
from desk.recordings.intake import failed
from desk.recordings.keys import Keys

BLOCK_BYTES = 65_536


class Filed(Protocol):
    """What the store needs to know of a recording: a `Recording` or a `NewRecording`."""

    @property
    def name(self) -> str:
        """Its name, unique."""

    @property
    def path(self) -> str:
        """Where the file was put."""

    @property
    def sha256(self) -> str:
        """Of the audio file, hexadecimal."""

    @property
    def bytes(self) -> int:
        """Length of the audio file; 0: not known."""

    @property
    def encrypted(self) -> bool:
        """Whether the file is its encrypted form."""


class OpenFile:
    """A recording's file, open for reading. `size`: bytes of the audio file that it holds."""

    def __init__(self, path: Path, recording: Filed, keys: Keys | None) -> None:
        """Open it and check its length.

        Raises:
            FileMissing, FileDamaged, KeyUnknown, StoreFailed.
        """
        self._path, self._name = path, recording.name
        with told(self._name, path):
            self._file: BinaryIO = path.open("rb")
        try:
            with told(self._name, path):
                self._sealed = Opened(self._file, keys, self._name) if recording.encrypted else None
                self.size = self._length(recording.bytes)
        except BaseException:
            self._file.close()
            raise

    def _length(self, kept: int) -> int:
        sealed = self._sealed
        size = os.fstat(self._file.fileno()).st_size if sealed is None else sealed.size
        if kept not in (0, size):
            raise Damaged(f"holds {size} bytes instead of {kept}")
        return size

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop` (None: the end), at most 64 KiB at a time.

        Raises:
            FileDamaged: an encrypted file was edited there.
            StoreFailed: the disk does not give it.
        """
        stop = self.size if stop is None else min(stop, self.size)
        with told(self._name, self._path):
            if self._sealed is not None:
                yield from self._sealed.blocks(start, stop)
            else:
                yield from self._plain(start, stop)

    def _plain(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            block = os.pread(self._file.fileno(), min(BLOCK_BYTES, stop - start), start)
            if not block:
                raise Damaged("was cut off")
            yield block
            start += len(block)

    def close(self) -> None:
        """Closing twice is harmless."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def told(name: str, path: Path) -> Iterator[None]:
    """Raise what goes wrong with a file as the desk's own errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing(name, path) from error
    except OSError as error:
        raise failed(error, name, path) from error
    except Damaged as error:
        raise FileDamaged(name, path, str(error)) from error
    except NoKey as error:
        raise KeyUnknown(name, path, str(error)) from error
