"""Kept recordings: heard on the record, encrypted later, deleted in their time and not before."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from desk import journal, recordings, timeline
from desk.db.engine import Database
from desk.errors import NoSuchRecording
from desk.journal import NewCall
from desk.recordings import NewRecording, Recording, RetentionSettings, Store, StoreFailed
from desk.recordings.retention import BATCH, YOUNG, orphans, retire, seal
from tests.rig.recordings import KEYS, filed, wav
from tests.rig.samples import NOW, TIANJIN, begin, call_with_ticket

DAY = timedelta(days=1)
AUDIO = wav(1.0)
KEEP = RetentionSettings(message=10, party=5, mix=None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "recordings")


@pytest.fixture
def log() -> Iterator[LogCapture]:
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(processors=before)


async def kept(
    db: Database, store: Store, name: str, kind: str = "message", at: datetime = NOW
) -> Recording:
    new = filed(store, name, AUDIO, kind=kind)
    recording_id = await db.write(recordings.add, new, at)
    return await known(db, recording_id)


async def known(db: Database, recording_id: int) -> Recording:
    found = await db.read(recordings.get, recording_id)
    assert found is not None
    return found


async def entries(db: Database, kind: str) -> list[timeline.Entry]:
    found = await db.read(timeline.entries_after, 0, 1000)
    return [entry for entry in found if entry.kind == kind]


async def test_a_recording_knows_whose_voice_it_is_and_when_it_began(db: Database) -> None:
    await db.write(begin)
    new = NewRecording(
        "c1", "p-1", "/r/p-1.wav.sealed", 4.0, "ab" * 32, "party", "agent:8001", "leg-1", NOW,
        True, 64_044, "skipped",
    )  # fmt: skip
    recording = await known(db, await db.write(recordings.add, new, NOW))
    for name in NewRecording.__slots__:
        assert getattr(recording, name) == getattr(new, name), name
    assert recording.deleted_at is None
    [entry] = await entries(db, "recording.added")
    assert entry.body is not None
    assert (entry.body["kind"], entry.body["party"]) == ("party", "agent:8001")


async def test_what_is_skipped_or_deleted_is_not_transcribed(db: Database, store: Store) -> None:
    await db.write(begin)
    live = await kept(db, store, "live", "party")
    done = await kept(db, store, "done", "party")
    gone = await kept(db, store, "gone", "party")
    waits = await kept(db, store, "waits", "party")
    heard = {"text": "好", "words": [], "engine": "vosk"}
    await db.write(recordings.add_transcript, done.id, heard, NOW)
    await db.write(recordings.skip, live.id)
    await db.write(recordings.skip, done.id)
    await db.write(recordings.deleted, gone.id, NOW, reason="asked")
    assert [r.id for r in await db.read(recordings.untranscribed)] == [waits.id]
    assert (await known(db, live.id)).state == "skipped"
    assert (await known(db, done.id)).state == "transcribed"


async def test_a_listening_is_one_entry_however_many_parts_a_player_asks_for(
    db: Database, store: Store
) -> None:
    ticket = await db.write(call_with_ticket)
    one = await kept(db, store, "one")
    other = await kept(db, store, "other", "party")
    listening = [
        (one, "token:a", 0, True),
        (one, "token:a", 30, False),
        (other, "token:a", 31, True),
        (one, "token:b", 32, True),
        (one, "token:a", 59, False),
        (one, "token:a", 61, True),
        (one, "token:a", 100, False),
    ]
    for recording, actor, seconds, noted in listening:
        at = NOW + timedelta(seconds=seconds)
        assert await db.write(recordings.accessed, recording.id, actor, at) is noted
    found = await entries(db, "recording.accessed")
    assert [(e.actor, e.body["recording_id"]) for e in found if e.body] == [
        (actor, recording.id) for recording, actor, _, noted in listening if noted
    ]
    assert {(e.call_id, e.ticket_id) for e in found} == {("c1", ticket.id)}


async def test_each_kind_is_deleted_in_its_own_time(db: Database, store: Store) -> None:
    await db.write(begin)
    old = {
        kind: await kept(db, store, f"old-{kind}", kind, NOW - 7 * DAY)
        for kind in ("message", "party", "mix", "other")
    }
    young = await kept(db, store, "young", "party", NOW - 4 * DAY)
    assert await retire(db, store, KEEP, NOW) == 1
    assert not store.locate(old["party"]).exists()
    assert (await known(db, old["party"].id)).deleted_at == NOW
    for recording in (old["message"], old["mix"], old["other"], young):
        assert store.locate(recording).exists()
        assert (await known(db, recording.id)).deleted_at is None
    [entry] = await entries(db, "recording.deleted")
    assert entry.body == {
        "recording_id": old["party"].id,
        "kind": "party",
        "party": "",
        "sha256": old["party"].sha256,
        "reason": "older than 5 days",
    }
    assert await retire(db, store, KEEP, NOW) == 0
    assert await retire(db, store, KEEP, NOW + 1000 * DAY) == 2
    assert store.locate(old["mix"]).exists(), "null keeps for ever"


async def test_recordings_of_calls_that_we_placed_are_evidence_for_thirty_days_at_least(
    db: Database, store: Store
) -> None:
    def placed(connection: Any) -> None:
        new = NewCall("out1", "13820220001", "+8613820220001", TIANJIN, direction="outbound")
        journal.begin(connection, new, NOW)

    await db.write(placed)
    new = replace(filed(store, "asked", AUDIO, kind="party"), call_id="out1")
    asked = await known(db, await db.write(recordings.add, new, NOW - 29 * DAY))
    assert await retire(db, store, KEEP, NOW, placed_days=1) == 0
    assert store.locate(asked).exists()
    assert await retire(db, store, KEEP, NOW + 2 * DAY, placed_days=60) == 0
    assert await retire(db, store, KEEP, NOW + 2 * DAY, placed_days=1) == 1


async def test_many_are_deleted_in_one_run(db: Database, store: Store) -> None:
    def add_many(connection: Any) -> None:
        begin(connection)
        for number in range(BATCH + 20):
            new = NewRecording("c1", f"m{number}", f"/r/m{number}.wav", 1, "ab" * 32)
            recordings.add(connection, new, NOW - 20 * DAY)

    await db.write(add_many)
    assert await retire(db, store, KEEP, NOW) == BATCH + 20
    assert len(await entries(db, "recording.deleted")) == BATCH + 20


async def test_who_dies_between_file_and_desk_finds_it_again(
    db: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(begin)
    recording = await kept(db, store, "old", at=NOW - 20 * DAY)

    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("desk.recordings.retention.deleted", dies)
        with pytest.raises(SystemExit):
            await retire(db, store, KEEP, NOW)
    assert not store.locate(recording).exists()
    assert (await known(db, recording.id)).deleted_at is None
    assert await retire(db, store, KEEP, NOW) == 1
    assert (await known(db, recording.id)).deleted_at == NOW


async def test_a_file_that_cannot_be_deleted_holds_up_no_other(
    db: Database, store: Store, log: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(begin)
    stuck = await kept(db, store, "stuck", at=NOW - 20 * DAY)
    fine = await kept(db, store, "fine", at=NOW - 19 * DAY)
    delete = Store.delete

    def refuse(self: Store, recording: Recording) -> None:
        if recording.name == "stuck":
            raise StoreFailed("stuck", self.folder, "Read-only file system")
        delete(self, recording)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "delete", refuse)
        assert await retire(db, store, KEEP, NOW) == 1
    assert [e["event"] for e in log.entries if e["log_level"] == "error"] == [
        "recording not deleted"
    ]
    assert (await known(db, stuck.id)).deleted_at is None
    assert (await known(db, fine.id)).deleted_at == NOW
    assert await retire(db, store, KEEP, NOW) == 1


async def test_what_lay_open_is_encrypted_once_encryption_is_turned_on(
    db: Database, store: Store
) -> None:
    await db.write(begin)
    old = await kept(db, store, "old", "mix")
    waits = await kept(db, store, "waits")
    await db.write(recordings.skip, old.id)
    assert await seal(db, store, NOW) == 0, "only where the store encrypts"
    sealing = Store(store.folder, KEYS, encrypt=True)
    assert await seal(db, sealing, NOW) == 1
    after = await known(db, old.id)
    assert after.encrypted
    assert after.bytes == len(AUDIO)
    sealing.verify(after)
    assert sorted(path.name for path in store.folder.iterdir()) == ["old.wav.sealed", "waits.wav"]
    assert len(await entries(db, "recording.encrypted")) == 1
    heard = {"text": "好", "words": [], "engine": "vosk"}
    await db.write(recordings.add_transcript, waits.id, heard, NOW)
    assert await seal(db, sealing, NOW) == 1
    assert await seal(db, sealing, NOW) == 0


async def test_an_edited_file_is_not_sealed_as_if_it_were_good(
    db: Database, store: Store, log: LogCapture
) -> None:
    await db.write(begin)
    old = await kept(db, store, "old", "mix")
    await db.write(recordings.skip, old.id)
    store.locate(old).write_bytes(AUDIO[:-4] + b"edit")
    assert await seal(db, Store(store.folder, KEYS, encrypt=True), NOW) == 0
    assert [e["event"] for e in log.entries] == ["recording not encrypted"]
    assert store.locate(old).exists()


def aged(path: Path, age: timedelta) -> Path:
    moment = (NOW - age).timestamp()
    os.utime(path, (moment, moment))
    return path


async def test_files_that_nobody_knows_are_told_of_and_left(
    db: Database, store: Store, log: LogCapture
) -> None:
    assert await orphans(db, store, NOW) == [], "no folder yet"
    await db.write(begin)
    known_file = aged(store.locate(await kept(db, store, "known")), 2 * YOUNG)
    stray = aged(Path(store.keep("stray", AUDIO).path), 2 * YOUNG)
    young = aged(Path(store.keep("young", AUDIO).path), YOUNG / 2)
    foreign = store.folder / "notes.txt"
    foreign.write_text("mine")
    aged(foreign, 2 * YOUNG)
    part = store.folder / ".half.0123.part"
    part.write_bytes(b"half")
    aged(part, 2 * YOUNG)
    assert sorted(await orphans(db, store, NOW)) == [foreign, stray]
    [told] = [e for e in log.entries if e["log_level"] == "warning"]
    assert (told["count"], sorted(told["first"])) == (2, ["notes.txt", "stray.wav"])
    assert all(path.exists() for path in (known_file, stray, young, foreign))
    assert not part.exists()


async def test_the_open_form_left_by_a_death_while_encrypting_is_removed(
    db: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(begin)
    old = await kept(db, store, "old", "mix")
    await db.write(recordings.skip, old.id)
    sealing = Store(store.folder, KEYS, encrypt=True)

    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Store, "delete", dies)
        with pytest.raises(SystemExit):
            await seal(db, sealing, NOW)
    for path in store.folder.iterdir():
        aged(path, 2 * YOUNG)
    assert await orphans(db, sealing, NOW) == []
    assert [path.name for path in store.folder.iterdir()] == ["old.wav.sealed"]
    sealing.verify(await known(db, old.id))


async def test_unknown_recordings_are_refused(db: Database) -> None:
    for work in (
        lambda c: recordings.accessed(c, 7, "x", NOW),
        lambda c: recordings.deleted(c, 7, NOW, reason="x"),
        lambda c: recordings.skip(c, 7),
    ):
        with pytest.raises(NoSuchRecording):
            await db.write(work)
