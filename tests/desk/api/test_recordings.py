"""Recordings are heard by those who may, in any part, and every listening is on the record."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from desk import journal, recordings, timeline, tokens
from desk.api import ApiServer, create_app
from desk.db.engine import Database
from desk.recordings import Store
from desk.recordings.keeping import encrypted
from desk.settings import ApiSettings
from tests.rig.recordings import KEYS, filed, wav
from tests.rig.samples import NOW, call_with_ticket

AUDIO = wav(20.0)  # 320,044 bytes: five chunks


@dataclass
class Desk:
    """A served desk with one recording, and somebody who listens."""

    db: Database
    store: Store
    http: httpx.AsyncClient
    recording_id: int
    now: datetime = NOW

    @property
    def path(self) -> str:
        return f"/api/v1/recordings/{self.recording_id}/audio"

    async def as_(self, name: str, *scopes: str) -> dict[str, str]:
        _, secret = await self.db.write(tokens.create, name, scopes or ("recordings:listen",), NOW)
        return {"Authorization": f"Bearer {secret}"}

    async def hear(self, wanted: str = "", **headers: str) -> httpx.Response:
        headers |= await self.as_("auditor")
        if wanted:
            headers["Range"] = wanted
        return await self.http.get(self.path, headers=headers)

    async def heard_by(self) -> list[str]:
        entries = await self.db.read(timeline.entries_after, 0, 1000, call_id="c1")
        return [entry.actor for entry in entries if entry.kind == "recording.accessed"]

    async def file(self) -> Path:
        found = await self.db.read(recordings.get, self.recording_id)
        assert found is not None
        return self.store.locate(found)


@pytest.fixture(params=["open", "encrypted"])
async def desk(request: pytest.FixtureRequest, db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    store = Store(tmp_path / "recordings", KEYS, encrypt=request.param == "encrypted")
    await db.write(call_with_ticket)
    new = filed(store, "message-c1", AUDIO)
    recording_id = await db.write(recordings.add, new, NOW)
    app = create_app(db, settings=ApiSettings(port=0), recordings=store, now=lambda: served.now)
    async with ApiServer(app) as server, httpx.AsyncClient(base_url=server.url) as http:
        served = Desk(db, store, http, recording_id)
        yield served


async def test_a_recording_plays(desk: Desk) -> None:
    answer = await desk.hear()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(AUDIO))
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == 'inline; filename="message-c1.wav"'
    with wave.open(io.BytesIO(answer.content)) as played:
        assert played.getnframes() == 160_000
    assert answer.content == AUDIO


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-43", 0, 44),
        ("bytes=65530-65545", 65_530, 65_546),
        ("bytes=65536-", 65_536, len(AUDIO)),
        ("bytes=-100", len(AUDIO) - 100, len(AUDIO)),
        ("bytes=1000-999999999", 1000, len(AUDIO)),
    ],
)
async def test_a_player_that_seeks_gets_just_that_part(
    desk: Desk, wanted: str, start: int, stop: int
) -> None:
    answer = await desk.hear(wanted)
    assert answer.status_code == 206
    assert answer.content == AUDIO[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(AUDIO)}"
    assert answer.headers["content-length"] == str(stop - start)


async def test_what_is_no_part_of_it(desk: Desk) -> None:
    beyond = await desk.hear(f"bytes={len(AUDIO)}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(AUDIO)}"
    assert beyond.json()["error_id"] == "range-not-satisfiable"
    assert await desk.heard_by() == []
    several = await desk.hear("bytes=0-1,5-6")
    assert (several.status_code, several.content) == (200, AUDIO)


async def test_a_download_goes_on_only_in_the_same_file(desk: Desk) -> None:
    etag = (await desk.hear()).headers["etag"]
    same = await desk.hear("bytes=100-", **{"If-Range": etag})
    assert (same.status_code, same.content) == (206, AUDIO[100:])
    other = await desk.hear("bytes=100-", **{"If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, AUDIO)


async def test_head_says_the_same_and_nobody_has_listened(desk: Desk) -> None:
    headers = await desk.as_("auditor")
    answer = await desk.http.head(desk.path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(AUDIO))
    assert answer.content == b""
    assert await desk.heard_by() == []
    whole = await desk.hear()
    for name in ("etag", "content-type", "accept-ranges", "content-length"):
        assert whole.headers[name] == answer.headers[name]


async def test_every_listening_is_on_the_record_once(desk: Desk) -> None:
    await desk.hear("bytes=0-100")
    await desk.hear("bytes=100-")
    assert await desk.heard_by() == ["auditor"]
    desk.now += timedelta(seconds=61)
    await desk.hear()
    await desk.http.get(desk.path, headers=await desk.as_("supervisor"))
    assert await desk.heard_by() == ["auditor", "auditor", "supervisor"]
    entries = await desk.db.read(timeline.entries_after, 0, 100, call_id="c1")
    assert entries[-1].body == {"recording_id": desk.recording_id, "kind": "message", "party": ""}


async def test_who_may_read_calls_may_not_listen(desk: Desk) -> None:
    every = [scope for scope in tokens.SCOPES if scope not in ("recordings:listen", "admin")]
    for method in ("GET", "HEAD"):
        answer = await desk.http.request(
            method, desk.path, headers=await desk.as_("reader", *every)
        )
        assert answer.status_code == 403
        assert (await desk.http.request(method, desk.path)).status_code == 401
    assert await desk.heard_by() == []


async def test_the_list_says_where_the_audio_is(desk: Desk) -> None:
    headers = await desk.as_("reader", "calls:read")
    listed = (await desk.http.get("/api/v1/calls/c1/recordings", headers=headers)).json()
    assert [one["audio"] for one in listed] == [desk.path]
    assert (listed[0]["bytes"], listed[0]["kind"], listed[0]["call_id"]) == (
        len(AUDIO), "message", "c1",
    )  # fmt: skip
    alone = await desk.http.get(f"/api/v1/recordings/{desk.recording_id}", headers=headers)
    assert alone.json() == listed[0]
    for path in ("/api/v1/calls/none/recordings", "/api/v1/recordings/77"):
        assert (await desk.http.get(path, headers=headers)).status_code == 404
    assert str(desk.store.folder) not in alone.text
    await desk.db.write(journal.end, "c1", "completed", NOW)


async def test_a_deleted_recording_says_when_and_why(desk: Desk) -> None:
    await desk.db.write(recordings.deleted, desk.recording_id, NOW, reason="older than 365 days")
    answer = await desk.hear()
    assert answer.status_code == 410
    assert "2026-11-22" in answer.json()["detail"]
    headers = await desk.as_("reader", "calls:read")
    [listed] = (await desk.http.get("/api/v1/calls/c1/recordings", headers=headers)).json()
    assert listed["audio"] is None


async def test_a_lost_file_says_so_and_what_to_do(desk: Desk) -> None:
    (await desk.file()).unlink()
    answer = await desk.hear()
    assert answer.status_code == 500
    assert answer.json()["error_id"] == "recording-file-missing"
    assert "huisheng doctor" in answer.json()["mend"]
    assert await desk.heard_by() == []


async def test_a_damaged_file_is_not_played(desk: Desk) -> None:
    path = await desk.file()
    path.write_bytes(path.read_bytes()[:-5000])
    answer = await desk.hear()
    assert answer.json()["error_id"] == "recording-damaged"


async def test_a_file_damaged_in_the_middle_breaks_off_where_it_is(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    if not desk.store.encrypts:
        pytest.skip("an open file does not vouch for its parts")
    path = await desk.file()
    data = bytearray(path.read_bytes())
    data[200_000] ^= 1
    path.write_bytes(data)
    assert (await desk.hear("bytes=0-100")).content == AUDIO[:101]
    with pytest.raises(httpx.RemoteProtocolError):
        await desk.hear()
    answer = await desk.hear("bytes=200000-")
    assert answer.json()["error_id"] == "recording-damaged"


async def test_a_file_that_is_encrypted_between_two_looks_is_still_heard(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if desk.store.encrypts:
        pytest.skip("it is encrypted already")
    sealing = Store(desk.store.folder, KEYS, encrypt=True)
    loop, opened = asyncio.get_running_loop(), Store.open

    def late(store: Store, recording: Any) -> Any:
        """Between the look into the desk and this, the file was encrypted."""
        if not recording.encrypted:
            kept = sealing.keep(recording.name, store.locate(recording))
            store.locate(recording).unlink()
            change = desk.db.write(encrypted, recording.id, kept, NOW)
            asyncio.run_coroutine_threadsafe(change, loop).result(10)
        return opened(store, recording)

    monkeypatch.setattr(Store, "open", late)
    answer = await desk.hear()
    assert (answer.status_code, answer.content) == (200, AUDIO)


async def test_a_listener_who_hangs_up_leaves_no_file_open(desk: Desk) -> None:
    headers = await desk.as_("auditor")
    for _ in range(3):
        async with desk.http.stream("GET", desk.path, headers=headers) as answer:
            async for _block in answer.aiter_bytes(100):
                break
    assert (await desk.hear("bytes=0-0")).status_code == 206


async def test_a_process_without_the_folder_says_so(db: Database) -> None:
    await db.write(call_with_ticket)
    _, secret = await db.write(tokens.create, "x", ["recordings:listen"], NOW)
    app = create_app(db, settings=ApiSettings(port=0), now=lambda: NOW)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.get(
            "/api/v1/recordings/1/audio", headers={"Authorization": f"Bearer {secret}"}
        )
    assert answer.status_code == 503
    assert answer.json()["error_id"] == "no-recordings-here"
