"""The recordings' files at rest: one folder, each file a WAV or, by option, its encrypted form.

Everything here waits for the disk: from a coroutine, call it in a thread. Several processes may
use one folder.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

from desk.recordings.errors import BadKey, FileDamaged
from desk.recordings.intake import PLAIN, Intake, KeptFile, sync_folder
from desk.recordings.keys import Keys
from desk.recordings.open_file import BLOCK_BYTES, Filed, OpenFile, told


class Store:
    """The folder. It is made when the first recording comes.

    Args:
        keys: what encrypts and decrypts.
        encrypt: whether new files are encrypted; encrypted ones are read either way.
        suffix: what the names of files end in, before what marks encrypted ones.

    Raises:
        BadKey: `encrypt` without keys.
    """

    def __init__(
        self,
        folder: Path,
        keys: Keys | None = None,
        *,
        encrypt: bool = False,
        suffix: str = PLAIN,
    ) -> None:
        if encrypt and keys is None:
            raise BadKey("recordings are to be encrypted, and there is no key")
        self.folder = folder
        self.encrypts = encrypt
        self._keys = keys
        self._suffix = suffix

    def intake(self, name: str) -> Intake:
        """A file to be written piece by piece, in a `with` block.

        Raises:
            BadName: the name could lead out of the folder.
            StoreFull, StoreFailed: when the block is entered.
        """
        key = self._keys.current if self._keys is not None and self.encrypts else None
        return Intake(self.folder, name, key, self._suffix)

    def keep(self, name: str, source: bytes | Path) -> KeptFile:
        """Take a whole file in, durably; one of the same name is replaced. `source` stays.

        Raises:
            BadName: the name could lead out of the folder.
            FileMissing: there is no `source`.
            StoreFull, StoreFailed: it cannot be written, or `source` cannot be read; nothing is
                kept.
        """
        with self.intake(name) as intake:
            if isinstance(source, bytes):
                intake.write(source)
            else:
                with told(name, source), source.open("rb") as file:
                    while block := file.read(BLOCK_BYTES):
                        intake.write(block)
            return intake.commit()

    def locate(self, recording: Filed) -> Path:
        """Where the file is: the folder may have moved since the desk was told its path."""
        return self.folder / Path(recording.path).name

    def open(self, recording: Filed) -> OpenFile:
        """Open a recording's file; close it, or use it in a `with` block.

        Raises:
            FileMissing, FileDamaged, KeyUnknown, StoreFailed.
        """
        return OpenFile(self.locate(recording), recording, self._keys)

    def open_range(
        self, recording: Filed, start: int = 0, stop: int | None = None
    ) -> Iterator[bytes]:
        """The bytes of the audio file from `start` up to `stop`, block by block; raises as `open`
        and `OpenFile.blocks` do, when the first block is asked for.
        """
        with self.open(recording) as file:
            yield from file.blocks(start, stop)

    def verify(self, recording: Filed) -> None:
        """Read all of it.

        Raises:
            FileMissing, FileDamaged, KeyUnknown, StoreFailed: it is not what was kept.
        """
        digest = hashlib.sha256()
        for block in self.open_range(recording):
            digest.update(block)
        if digest.hexdigest() != recording.sha256:
            raise FileDamaged(recording.name, self.locate(recording), "was edited")

    @contextmanager
    def plain(self, recording: Filed) -> Iterator[Path]:
        """The path of an ordinary, verified WAV file, good until the block ends. What is encrypted
        lies in memory meanwhile (16 kB a second of speech), never on the disk.

        Raises:
            FileMissing, FileDamaged, KeyUnknown, StoreFailed.
        """
        if not recording.encrypted:
            self.verify(recording)
            yield self.locate(recording)
            return
        descriptor = os.memfd_create("recording", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as memory:
            for block in self.open_range(recording):
                memory.write(block)
            memory.flush()
            yield Path(f"/proc/self/fd/{descriptor}")

    @asynccontextmanager
    async def plain_aside(self, recording: Filed) -> AsyncIterator[Path]:
        """`plain` for coroutines: the disk is read in a thread."""
        lent = self.plain(recording)
        entering = asyncio.ensure_future(asyncio.to_thread(lent.__enter__))
        try:
            path = await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(lambda entered: _returned(lent, entered))
            raise
        try:
            yield path
        finally:
            lent.__exit__(None, None, None)

    def delete(self, recording: Filed) -> None:
        """Remove the file, durably. One that is gone already is no error.

        Raises:
            StoreFailed: it is still there.
        """
        path = self.locate(recording)
        with told(recording.name, path), contextlib.suppress(FileNotFoundError):
            path.unlink()
            sync_folder(self.folder)

    def files(self, before: float) -> Iterator[Path]:
        """Files in the folder last written before that moment (seconds since 1970)."""
        if not self.folder.is_dir():
            return
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                        yield Path(entry.path)


def _returned(lent: AbstractContextManager[Path], entered: "asyncio.Future[Path]") -> None:
    if not entered.cancelled() and entered.exception() is None:
        lent.__exit__(None, None, None)
