"""Before the first call it is known whether recordings can be kept and heard."""

import base64
from pathlib import Path

import pytest

from ari_app.doctor import Finding
from ari_app.doctor.recordings import recordings
from ari_app.recording_settings import RecordingSettings
from desk.recordings import Keys, Store
from desk.recordings.errors import KEY_VARIABLE

FIRST, SECOND = bytes([1]) * 32, bytes([2]) * 32
OPEN, ENCRYPTED = RecordingSettings(), RecordingSettings(encrypt=True)


def environ(*keys: bytes) -> dict[str, str]:
    return {KEY_VARIABLE: " ".join(base64.b64encode(key).decode() for key in keys)}


def the_one(settings: RecordingSettings, state_dir: Path, *keys: bytes) -> Finding:
    [finding] = recordings(settings, state_dir, environ(*keys))
    return finding


def test_a_fresh_line_is_well(tmp_path: Path) -> None:
    assert the_one(OPEN, tmp_path).level == "ok"
    assert the_one(ENCRYPTED, tmp_path, FIRST).level == "ok"
    assert not (tmp_path / "recordings").exists()


def test_a_missing_or_wrong_key_is_found_before_a_call_is(tmp_path: Path) -> None:
    missing = the_one(ENCRYPTED, tmp_path)
    assert missing.level == "fail"
    assert KEY_VARIABLE in missing.mend
    assert the_one(OPEN, tmp_path, b"short").level == "fail"


def test_recordings_that_lost_their_key_are_found(tmp_path: Path) -> None:
    Store(tmp_path / "recordings", Keys(FIRST), encrypt=True).keep("m-c1", b"audio")
    assert the_one(ENCRYPTED, tmp_path, FIRST).level == "ok"
    for settings, keys in ((OPEN, ()), (ENCRYPTED, (SECOND,))):
        finding = the_one(settings, tmp_path, *keys)
        assert finding.level == "warn"
        assert "m-c1" in finding.what
    assert the_one(ENCRYPTED, tmp_path, SECOND, FIRST).level == "ok"


def test_a_folder_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    assert the_one(OPEN, tmp_path).level == "fail"


def test_a_disk_of_its_own_is_looked_at_too(
    tmp_path: Path,
) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    (tmp_path / "recordings").symlink_to(other)
    checks = [finding.check for finding in recordings(OPEN, tmp_path, {})]
    assert checks == ["disk", "recordings"]
