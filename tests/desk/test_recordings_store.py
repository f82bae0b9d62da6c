"""The recordings' folder: what is kept is whole, playable and where it belongs, or an error."""

import asyncio
import base64
import contextlib
import errno
import hashlib
import os
import resource
import signal
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.recordings import (
    BadKey,
    BadName,
    FileDamaged,
    FileMissing,
    Keys,
    KeyUnknown,
    NewRecording,
    Store,
    StoreFailed,
    StoreFull,
    keys_for,
)
from desk.recordings.errors import KEY_VARIABLE
from tests.rig.recordings import KEYS, filed, wav

AUDIO = wav(10.0)


@pytest.fixture(params=["open", "encrypted"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path / "recordings", KEYS, encrypt=request.param == "encrypted")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_kept_recording_plays_and_is_what_was_given(store: Store) -> None:
    recording = filed(store, "m-c1", AUDIO)
    assert recording.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert recording.bytes == len(AUDIO)
    with store.plain(recording) as path, wave.open(str(path)) as played:
        assert played.getnframes() == 80_000
        assert played.getframerate() == 8000
    store.verify(recording)


def test_what_is_encrypted_is_nowhere_on_the_disk_in_the_open(tmp_path: Path) -> None:
    store = Store(tmp_path, KEYS, encrypt=True)
    recording = filed(store, "m-c1", AUDIO)
    with store.plain(recording) as path:
        assert path.read_bytes() == AUDIO
        assert left_in(tmp_path) == ["m-c1.wav.sealed"]
        assert AUDIO[1000:1100] not in (tmp_path / "m-c1.wav.sealed").read_bytes()
    assert not path.exists()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, len(AUDIO) + 10), st.one_of(st.none(), st.integers(0, len(AUDIO) + 10)))
def test_any_range_is_the_same_in_both_forms(
    folders: tuple[Store, Store], start: int, stop: int | None
) -> None:
    for store in folders:
        recording = NewRecording("c1", "m-c1", f"/x/m-c1{SUFFIX[store.encrypts]}", 10.0, "",
                                 encrypted=store.encrypts)  # fmt: skip
        assert b"".join(store.open_range(recording, start, stop)) == AUDIO[start:stop]


SUFFIX = {False: ".wav", True: ".wav.sealed"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    folder = tmp_path_factory.mktemp("recordings")
    both = Store(folder), Store(folder, KEYS, encrypt=True)
    for store in both:
        store.keep("m-c1", AUDIO)
    return both


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a\0b", "录音", "x" * 191, "a b"],
)
def test_no_name_leads_out_of_the_folder(store: Store, name: str) -> None:
    with pytest.raises(BadName):
        store.keep(name, AUDIO)
    assert not store.folder.exists()


def test_a_folder_that_moved_is_found_and_no_path_of_the_desk_leads_elsewhere(
    tmp_path: Path,
) -> None:
    recording = filed(Store(tmp_path / "old"), "m-c1", AUDIO)
    (tmp_path / "old").rename(tmp_path / "new")
    store = Store(tmp_path / "new")
    assert store.locate(recording) == tmp_path / "new" / "m-c1.wav"
    (tmp_path / "secret.wav").write_bytes(b"secret")
    with pytest.raises(FileMissing):
        store.open(replace(recording, path=str(tmp_path / "secret.wav")))


def test_a_recording_given_twice_is_kept_once(store: Store) -> None:
    filed(store, "m-c1", AUDIO)
    recording = filed(store, "m-c1", AUDIO)
    assert left_in(store.folder) == [Path(recording.path).name]
    store.verify(recording)


def test_a_local_file_is_taken_over_and_stays(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "message.wav"
    source.write_bytes(AUDIO)
    kept = store.keep("m-c1", source)
    assert kept.bytes == len(AUDIO)
    assert source.exists()
    with pytest.raises(FileMissing):
        store.keep("m-c2", tmp_path / "none.wav")
    assert len(left_in(store.folder)) == 1


def test_nothing_half_is_left_when_the_source_ends_early(store: Store) -> None:
    with contextlib.suppress(ConnectionError), store.intake("m-c1") as intake:
        intake.write(AUDIO[:70_000])
        raise ConnectionError
    assert left_in(store.folder) == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files of this process may have 100,000 bytes, as if the disk were full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, old)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_told_and_leaves_nothing_half(store: Store) -> None:
    with pytest.raises(StoreFull, match="free space") as caught:
        store.keep("m-c1", AUDIO)
    assert caught.value.retryable
    assert left_in(store.folder) == []


def test_a_full_disk_at_the_very_end_leaves_nothing_half(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull):
        store.keep("m-c1", AUDIO)
    assert left_in(store.folder) == []


def test_a_recording_is_on_the_disk_before_it_has_its_name(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def noted(descriptor: int) -> None:
        order.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync")  # noqa: PTH112
        fsync(descriptor)

    def renamed(self: Path, target: Any) -> Path:
        order.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", renamed)
    store.keep("m-c1", AUDIO)
    assert order == ["fsync", "rename", "fsync folder"]


def test_a_lost_file_says_so(store: Store) -> None:
    recording = filed(store, "m-c1", AUDIO)
    store.delete(recording)
    store.delete(recording)
    with pytest.raises(FileMissing, match=r"m-c1.* is missing"):
        store.open(recording)


def test_a_file_that_was_cut_off_or_edited_says_so(store: Store) -> None:
    recording = filed(store, "m-c1", AUDIO)
    path = store.locate(recording)
    data = path.read_bytes()
    path.write_bytes(data[:-20_000])
    with pytest.raises(FileDamaged):
        store.open(recording)
    path.write_bytes(data[:5000] + b"edit" + data[5004:])
    with pytest.raises(FileDamaged, match="edited"), store.plain(recording):
        pass


def test_a_key_that_is_not_at_hand_is_named(tmp_path: Path) -> None:
    recording = filed(Store(tmp_path, KEYS, encrypt=True), "m-c1", AUDIO)
    with pytest.raises(KeyUnknown, match=KEY_VARIABLE):
        Store(tmp_path).open(recording)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    with pytest.raises(StoreFailed, match="doctor"):
        Store(tmp_path / "recordings").keep("m-c1", AUDIO)


async def test_a_coroutine_gets_the_file_without_waiting_for_the_disk(store: Store) -> None:
    recording = filed(store, "m-c1", AUDIO)
    async with store.plain_aside(recording) as path:
        assert path.read_bytes() == AUDIO


async def test_a_cancelled_reader_leaves_no_file_open(store: Store) -> None:
    recording = filed(store, "m-c1", AUDIO)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    async def read() -> None:
        async with store.plain_aside(recording):
            await asyncio.Event().wait()

    for yields in (1, 2, 50):
        task = asyncio.create_task(read())
        for _ in range(yields):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()  # all threads have returned
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


def test_keys_come_from_the_environment() -> None:
    first, second = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    assert Keys.read({}) is None
    keys = Keys.read({KEY_VARIABLE: f" {first}\n{second} "})
    assert keys == Keys(bytes([1]) * 32, (bytes([2]) * 32,))
    assert first not in repr(keys)
    assert "x01" not in repr(keys)


@pytest.mark.parametrize(
    "given", ["secret", "QUJD", "é" * 44, base64.b64encode(b"x" * 33).decode()]
)
def test_a_wrong_key_is_one_clear_sentence(given: str) -> None:
    with pytest.raises(BadKey, match="openssl rand -base64 32") as caught:
        Keys.read({KEY_VARIABLE: given})
    assert given not in str(caught.value)


def test_encryption_without_a_key_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match=KEY_VARIABLE):
        keys_for(True, {})
    assert keys_for(False, {}) is None
    with pytest.raises(BadKey):
        Store(tmp_path, encrypt=True)
