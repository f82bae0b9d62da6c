"""Recordings come into our own store: whole, playable, in little memory, or not at all."""

import asyncio
import contextlib
import hashlib
import tracemalloc
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from ari_app.ari import Client, DeadlineExceeded, Disconnected, MediaFailed, NotFound
from ari_app.ari.description import plain
from ari_app.ari.http import Download, HttpLane
from ari_app.calls.vault import NothingSaid, Vault
from asterisk_conf.render import ARI_USER
from asterisk_conf.server import AsteriskServer
from desk.recordings import FileMissing, NewRecording, Store, StoreFull
from stt.mix import Track
from tests.rig.recordings import KEYS, RATE, wav

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
AUDIO = wav(10.0)
SILENCE = wav(9.0)[:44] + bytes(9 * 2 * RATE)
KILLED = AUDIO[:40] + bytes(4) + AUDIO[44:]
"""As Asterisk leaves it when it is killed: the header says 0 bytes."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stored:
    """`ari.recordings.stored(name)` of a server that serves anything."""

    def __init__(self, lane: HttpLane, name: str) -> None:
        self._lane, self._name = lane, name

    def stream(self) -> AbstractAsyncContextManager[Download]:
        request = plain("recordings.get_stored_file", f"recordings/stored/{self._name}/file")
        return self._lane.download(request, 30.0)


@dataclass
class Live:
    """`ari.recordings.live(name)`: there as long as it is still written."""

    looks: int

    async def get(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise NotFound("Recording not found")


class Asterisk:
    """Files by name, each bytes or a handler. `written`: those that it has not ended yet."""

    def __init__(self, lane: HttpLane, files: dict[str, bytes | Handler]) -> None:
        self.files = files
        self.written: dict[str, Live] = {}
        self.recordings = self
        self._lane = lane

    def live(self, name: str) -> Live:
        return self.written.get(name, Live(0))

    def stored(self, name: str) -> Stored:
        return Stored(self._lane, name)


@pytest.fixture
async def ari() -> AsyncIterator[Any]:
    files: dict[str, bytes | Handler] = {}

    async def serve(request: web.Request) -> web.StreamResponse:
        found = files.get(request.match_info["name"])
        if found is None:
            return web.json_response({"message": "Recording not found"}, status=404)
        return web.Response(body=found) if isinstance(found, bytes) else await found(request)

    application = web.Application()
    application.router.add_get("/ari/recordings/stored/{name}/file", serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
    async with HttpLane(url, "user", "secret", 4) as lane:
        yield Asterisk(lane, files)
    await runner.cleanup()


@pytest.fixture(params=["open", "encrypted"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    return Vault(Store(tmp_path / "recordings", KEYS, encrypt=request.param == "encrypted"))


def heard(vault: Vault, recording: NewRecording) -> np.ndarray[Any, np.dtype[np.int16]]:
    """What a player plays."""
    with vault.store.plain(recording) as path, wave.open(str(path)) as played:
        assert played.getframerate() == RATE
        frames = played.readframes(played.getnframes())
        assert len(frames) == 2 * played.getnframes()
    return np.frombuffer(frames, "<i2").reshape(-1)


def left_in(vault: Vault) -> list[Path]:
    return sorted(vault.folder.iterdir()) if vault.folder.exists() else []


@pytest.mark.parametrize("served", [AUDIO, KILLED], ids=["finished", "asterisk was killed"])
async def test_a_recording_plays_in_full_whatever_became_of_asterisk(
    vault: Vault, ari: Any, served: bytes
) -> None:
    ari.files["party-c1"] = served
    new = await vault.fetch(
        ari, "c1", "party-c1", kind="party", party="agent:8001", leg="l-1", started_at=NOW
    )
    assert (new.seconds, new.bytes, new.kind, new.party, new.leg, new.started_at, new.state) == (
        10.0, len(AUDIO), "party", "agent:8001", "l-1", NOW, "recorded",
    )  # fmt: skip
    assert new.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert len(heard(vault, new)) == 10 * RATE


async def test_what_asterisk_still_writes_is_waited_for(vault: Vault, ari: Any) -> None:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=AUDIO if ari.written["party-c1"].looks < 0 else AUDIO[:16044])

    ari.files["party-c1"], ari.written["party-c1"] = serve, Live(3)
    assert (await vault.fetch(ari, "c1", "party-c1")).seconds == 10.0


async def test_recording_that_does_not_end_is_not_kept_by_half(
    vault: Vault, ari: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ari_app.calls.written.WRITTEN_SECONDS", 0.1)
    ari.files["party-c1"], ari.written["party-c1"] = AUDIO[:16044], Live(1000)
    with pytest.raises(DeadlineExceeded, match="has not ended"):
        await vault.fetch(ari, "c1", "party-c1")
    assert left_in(vault) == []


async def test_a_message_is_one_unless_told_otherwise(vault: Vault, ari: Any) -> None:
    ari.files["message-c1"] = AUDIO
    new = await vault.fetch(ari, "c1", "message-c1")
    assert (new.kind, new.party, new.state) == ("message", "caller", "recorded")
    again = await vault.fetch(ari, "c1", "message-c1", transcribed=True)
    assert again.sha256 == new.sha256
    assert again.state == "skipped"
    assert len(left_in(vault)) == 1


@pytest.mark.parametrize(
    "audio", [wav(0), SILENCE, SILENCE[:40] + bytes(4) + SILENCE[44:]], ids=["0 s", "9 s", "killed"]
)
async def test_a_caller_who_said_nothing_leaves_no_message(
    vault: Vault, ari: Any, audio: bytes
) -> None:
    ari.files["message-c1"] = ari.files["party-c1"] = audio
    with pytest.raises(NothingSaid):
        await vault.fetch(ari, "c1", "message-c1")
    assert left_in(vault) == []
    with pytest.raises(NotFound):
        await vault.fetch(ari, "c1", "none")
    party = await vault.fetch(ari, "c1", "party-c1", kind="party")
    assert party.seconds in (0, 9), "who is silent in a talk has a part in it all the same"


async def test_a_word_at_the_very_end_is_a_message(vault: Vault, ari: Any) -> None:
    ari.files["message-c1"] = SILENCE[:-8000] + wav(0.5)[44:]
    assert (await vault.fetch(ari, "c1", "message-c1")).seconds == 9


async def test_what_nobody_can_play_is_kept_all_the_same(vault: Vault, ari: Any) -> None:
    ari.files["party-c1"] = b"\0" * 10_000
    new = await vault.fetch(ari, "c1", "party-c1")
    assert (new.seconds, new.bytes) == (0, 10_000)


def long_file(seconds: int) -> Handler:
    second = np.full(RATE, 5, "<i2").tobytes()

    async def serve(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 44 + seconds * len(second)
        await response.prepare(request)
        await response.write(AUDIO[:40] + bytes(4))
        for _ in range(seconds):
            await response.write(second)
        return response

    return serve


async def test_a_long_talk_does_not_fill_the_memory(vault: Vault, ari: Any) -> None:
    ari.files["party-c1"] = long_file(4500)  # 72 MB: more than a reply may have
    tracemalloc.start()
    try:
        new = await vault.fetch(ari, "c1", "party-c1", kind="party")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert new.seconds == 4500
    assert most < 8_000_000


async def test_a_recording_that_does_not_come_whole_is_not_kept(vault: Vault, ari: Any) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(AUDIO)
        await response.prepare(request)
        await response.write(AUDIO[:50_000])
        assert request.transport is not None
        request.transport.abort()
        return response

    async def unknown_length(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(AUDIO)
        return response

    ari.files |= {"broken": break_off, "endless": unknown_length}
    with pytest.raises(Disconnected):
        await vault.fetch(ari, "c1", "broken")
    with pytest.raises(MediaFailed, match="how long"):
        await vault.fetch(ari, "c1", "endless")
    assert left_in(vault) == []


async def test_a_full_disk_keeps_nothing_and_asterisks_copy_stays(
    vault: Vault, ari: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ari.files["party-c1"] = AUDIO

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("desk.recordings.intake.os.write", full)
        with pytest.raises(StoreFull):
            await vault.fetch(ari, "c1", "party-c1")
    assert left_in(vault) == []
    assert (await vault.fetch(ari, "c1", "party-c1")).seconds == 10.0


async def test_a_cancelled_fetch_leaves_nothing(vault: Vault, ari: Any) -> None:
    begun = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(AUDIO)
        await response.prepare(request)
        await response.write(AUDIO[:50_000])
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return response

    ari.files["party-c1"] = stall
    task = asyncio.create_task(vault.fetch(ari, "c1", "party-c1"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(vault) == []


async def test_a_message_that_the_dialplan_took_is_adopted(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "fallback-7.wav"
    path.write_bytes(KILLED)
    new = await vault.adopt(path, "c1")
    assert (new.name, new.kind, new.seconds, new.party) == ("fallback-7", "message", 10.0, "caller")
    assert len(heard(vault, new)) == 10 * RATE
    assert path.read_bytes() == KILLED
    with pytest.raises(FileNotFoundError):
        await vault.adopt(tmp_path / "none.wav", "c1")


def tone(value: int, seconds: float) -> bytes:
    samples = np.full(round(seconds * RATE), value, "<i2").tobytes()
    return wav(seconds)[:44] + samples


async def test_a_talk_is_mixed_from_its_parties(vault: Vault, ari: Any) -> None:
    ari.files |= {"caller": tone(100, 2), "agent": tone(7, 1), "hung-up": wav(0)}
    parties = []
    for name, offset in (("caller", 0.0), ("agent", 1.0), ("hung-up", 5.0)):
        new = await vault.fetch(ari, "c1", name, kind="party", started_at=NOW)
        parties.append((new, Track(Path(new.path), offset)))
    mixed = await vault.mix("c1", parties, NOW)
    assert (mixed.kind, mixed.seconds, mixed.state) == ("mix", 2.0, "skipped")
    assert mixed.started_at == NOW
    assert heard(vault, mixed)[:: RATE // 2].tolist() == [100, 100, 107, 107]
    assert (await vault.mix("c1", parties, NOW)).name == mixed.name
    assert (await vault.mix("c1", parties[:1], NOW)).name != mixed.name
    stereo = await vault.mix("c2", parties, NOW, stereo=True)
    with vault.store.plain(stereo) as path, wave.open(str(path)) as played:
        assert played.getnchannels() == 2


async def test_a_mix_without_one_of_its_files_is_not_kept(vault: Vault, ari: Any) -> None:
    ari.files["caller"] = tone(100, 2)
    new = await vault.fetch(ari, "c1", "caller", kind="party")
    vault.store.delete(new)
    with pytest.raises(FileMissing):
        await vault.mix("c1", [(new, Track(Path(new.path)))], NOW)
    assert left_in(vault) == []


@pytest.mark.asterisk
async def test_a_recording_comes_from_a_real_asterisk(
    asterisk: AsteriskServer, vault: Vault
) -> None:
    folder = asterisk.paths.recordings
    (folder / "killed-c1.wav").write_bytes(KILLED)
    async with Client(
        url=asterisk.ari_url,
        username=ARI_USER,
        password=asterisk.secrets.ari,
        application=asterisk.pbx.application,
    ) as client:
        new = await vault.fetch(client, "c1", "killed-c1", kind="party")
        assert new.seconds == 10.0
        assert len(heard(vault, new)) == 10 * RATE
        await vault.forget(client, "killed-c1")
        assert not (folder / "killed-c1.wav").exists()
        await vault.forget(client, "killed-c1")
        with pytest.raises(NotFound):
            await vault.fetch(client, "c1", "killed-c1")
