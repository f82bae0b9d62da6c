"""Our own store of recordings: fetched from Asterisk over HTTP, so the PBX may be elsewhere.

What comes passes through in blocks, its header mended on the way: a long talk needs no more memory
than a short one, and no open copy of what is kept encrypted.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from ari_app.ari import Client, NotFound
from ari_app.calls.written import is_written
from desk.recordings import Intake, KeptFile, NewRecording, Store
from stt.errors import AudioError
from stt.mix import Track, mix
from stt.repair import HEAD_BYTES, mended
from stt.silence import Silence
from stt.wav import PCM, Recording

log = structlog.get_logger()

BLOCK_BYTES = 65_536
MESSAGE = "message"

P = ParamSpec("P")
T = TypeVar("T")


class NothingSaid(Exception):  # noqa: N818 - not an error: a caller may remain silent
    """There is nothing but silence in a message; it is not kept."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing is said in {name}")


@dataclass(frozen=True)
class Vault:
    """Brings recordings into the store: an audio file each, owned by us."""

    store: Store

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.store.folder

    async def fetch(
        self,
        ari: Client,
        call_id: str,
        name: str,
        *,
        kind: str = MESSAGE,
        party: str = "caller",
        leg: str = "",
        started_at: datetime | None = None,
        transcribed: bool = False,
    ) -> NewRecording:
        """Bring the recording `name`, which has been told to end, into the store, durably; again is
        the same.

        Args:
            transcribed: its words are known already.

        Raises:
            NothingSaid: it is a message, and the caller was silent.
            NotFound: Asterisk has no such recording.
            AriError: it did not end, or did not come whole; nothing is kept.
            StoreError: it cannot be kept; nothing is.
        """
        await is_written(ari, name)
        passing = _Passing(self.store.intake(name), name)
        async with ari.recordings.stored(name).stream() as download:
            try:
                await _aside(passing.begin, download.size)
                async for block in download.blocks():
                    await _aside(passing.feed, block)
                if kind == MESSAGE and not passing.is_told:
                    raise NothingSaid(name)
                kept = await _aside(passing.end)
            finally:
                await _aside(passing.close)
        return NewRecording(
            call_id=call_id,
            name=name,
            path=kept.path,
            seconds=passing.seconds,
            sha256=kept.sha256,
            kind=kind,
            party=party,
            leg=leg,
            started_at=started_at,
            encrypted=kept.encrypted,
            bytes=kept.bytes,
            state="skipped" if transcribed else "recorded",
        )

    async def forget(self, ari: Client, name: str) -> None:
        """Delete Asterisk's copy. To be called once ours is in the desk."""
        with contextlib.suppress(NotFound):
            await ari.recordings.stored(name).delete()

    async def adopt(
        self,
        path: Path,
        call_id: str,
        name: str = "",
        *,
        kind: str = "message",
        party: str = "caller",
    ) -> NewRecording:
        """Take over a WAV file of this machine, such as a message that the dialplan recorded while
        we were down. It stays where it is: delete it once ours is in the desk.

        Args:
            name: of the recording; empty: the file's, less its suffix.

        Raises:
            FileNotFoundError: there is none.
            StoreError: it cannot be kept; nothing is.
        """
        name = name or path.stem
        kept, seconds = await asyncio.to_thread(self._adopt, path, name)
        return NewRecording(
            call_id=call_id,
            name=name,
            path=kept.path,
            seconds=seconds,
            sha256=kept.sha256,
            kind=kind,
            party=party,
            encrypted=kept.encrypted,
            bytes=kept.bytes,
        )

    def _adopt(self, path: Path, name: str) -> tuple[KeptFile, float]:
        passing = _Passing(self.store.intake(name), name)
        with path.open("rb") as file:
            try:
                passing.begin(path.stat().st_size)
                while block := file.read(BLOCK_BYTES):
                    passing.feed(block)
                return passing.end(), passing.seconds
            finally:
                passing.close()

    async def mix(
        self,
        call_id: str,
        parties: Sequence[tuple[NewRecording, Track]],
        started_at: datetime,
        *,
        stereo: bool = False,
    ) -> NewRecording:
        """Mix the parties of a talk into a recording of its own.

        Args:
            parties: each as it was kept, and where it lies on the mix's clock; the track's path
                is not looked at.
            started_at: 0 on that clock.

        Raises:
            AudioError: a party's recording is not at 8 kHz.
            StoreError: a party's file cannot be read, or the mix cannot be kept; nothing is.
        """
        heard = [(recording, track) for recording, track in parties if recording.seconds > 0]
        # A mix of other parties is another mix, never a file that the desk knows as something else.
        of = hashlib.sha256(repr([(r.sha256, t.offset, t.pauses) for r, t in heard]).encode())
        name = f"mix-{call_id}-{of.hexdigest()[:8]}"
        kept, seconds = await asyncio.to_thread(self._mix, name, heard, stereo)
        return NewRecording(
            call_id=call_id,
            name=name,
            path=kept.path,
            seconds=seconds,
            sha256=kept.sha256,
            kind="mix",
            started_at=started_at,
            encrypted=kept.encrypted,
            bytes=kept.bytes,
            state="skipped",
        )

    def _mix(
        self, name: str, parties: Sequence[tuple[NewRecording, Track]], stereo: bool
    ) -> tuple[KeptFile, float]:
        with ExitStack() as stack:
            tracks = [
                replace(track, path=stack.enter_context(self.store.plain(recording)))
                for recording, track in parties
            ]
            intake = stack.enter_context(self.store.intake(name))
            seconds = mix(tracks, intake.write, stereo=stereo)
            return intake.commit(), seconds


class _Passing:
    """A WAV file on its way into the store; its header is mended once enough of it is there."""

    def __init__(self, intake: Intake, name: str) -> None:
        self._intake, self._name = intake, name
        self._length = 0
        self._head: bytes | None = b""
        self._silence: Silence | None = None
        self.seconds = 0.0

    @property
    def is_told(self) -> bool:
        """Whether anything is said in it, as far as it has passed, or it cannot be told."""
        if self._head is not None:
            self._mend(self._head)
        return self._silence is None or self._silence.broken

    def begin(self, length: int) -> None:
        """`length`: of the whole file, in bytes."""
        self._intake.__enter__()
        self._length = length

    def feed(self, block: bytes) -> None:
        """The next part."""
        if self._head is None:
            self._intake.write(block)
            self._listen(block)
            return
        self._head += block
        if len(self._head) >= HEAD_BYTES:
            self._mend(self._head)

    def end(self) -> KeptFile:
        """That was all."""
        if self._head is not None:
            self._mend(self._head)
        return self._intake.commit()

    def close(self) -> None:
        """Leave nothing, unless it has been kept."""
        self._intake.__exit__(None, None, None)

    def _mend(self, head: bytes) -> None:
        self._head = None
        try:
            head, found = mended(head, self._length, Path(self._name))
            self.seconds = found.seconds
            self._begin_listening(found, head)
        except AudioError as error:
            # Perhaps somebody can still make something of it; transcribing it will fail and say so.
            log.error("recording kept as it is, nobody can play it", error=str(error))
        self._intake.write(head)

    def _begin_listening(self, found: Recording, head: bytes) -> None:
        if found.encoding == PCM:
            self._silence = Silence(found.rate)
            self._listen(head[found.offset :])

    def _listen(self, samples: bytes) -> None:
        if self._silence is not None:
            self._silence.feed(samples)


async def _aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread; cancelled, still wait for its end: what it uses is closed next."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not thread.done():
        try:
            await asyncio.wait({thread})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        thread.exception()  # seen: the cancellation goes first
        raise cancelled
    return thread.result()
