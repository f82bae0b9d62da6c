"""Our own store of recordings: fetched from Asterisk over HTTP, so the PBX may be elsewhere."""

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ari_app.ari import Client, NotFound
from desk.recordings import NewRecording
from stt.wav import probe


@dataclass(frozen=True)
class Vault:
    """A folder of WAV files, one per recording, owned by us."""

    folder: Path

    async def fetch(self, ari: Client, call_id: str, name: str) -> NewRecording:
        """Bring the finished recording `name` into the folder, durably.

        Raises:
            NotFound: Asterisk has no such recording.
        """
        data = await ari.recordings.stored(name).file()
        path = self.folder / f"{name}.wav"
        await asyncio.to_thread(_write_durably, path, data)
        return NewRecording(
            call_id=call_id,
            name=name,
            path=str(path),
            seconds=probe(path).seconds,
            sha256=hashlib.sha256(data).hexdigest(),
            kind="message",
        )

    async def forget(self, ari: Client, name: str) -> None:
        """Delete Asterisk's copy. To be called once ours is in the desk."""
        with contextlib.suppress(NotFound):
            await ari.recordings.stored(name).delete()


def _write_durably(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
