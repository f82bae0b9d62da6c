"""Recordings in every state in which a PBX leaves them: read, repaired, or refused with a mend."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stt.errors import AudioError
from stt.wav import probe
from tests.stt import wavs

SAMPLES = np.arange(-400, 400, dtype=np.int16)
BODY = SAMPLES.tobytes()


def read(path: Path) -> bytes:
    return b"".join(probe(path).blocks(0.01))


def put(folder: Path, content: bytes) -> Path:
    path = folder / "message.wav"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 10 * len(BODY)], ids=["0", "unknown", "too large"])
def test_wrong_size_in_the_header_is_replaced_by_the_file_s(tmp_path: Path, size: int) -> None:
    path = put(tmp_path, wavs.header(size) + BODY)
    assert read(path) == BODY
    assert probe(path).repaired
    assert probe(path).seconds == pytest.approx(len(SAMPLES) / wavs.RATE)


def test_half_written_last_sample_is_dropped(tmp_path: Path) -> None:
    assert read(put(tmp_path, wavs.header(0) + BODY + b"\x01")) == BODY


def test_header_alone_is_an_empty_recording_not_an_error(tmp_path: Path) -> None:
    recording = probe(put(tmp_path, wavs.header(0)))
    assert (recording.seconds, recording.repaired) == (0, False)


def test_empty_recording_followed_by_its_notes_stays_empty(tmp_path: Path) -> None:
    path = put(tmp_path, wavs.header(0) + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert probe(path).seconds == 0


def test_notes_before_and_after_the_samples_are_not_heard(tmp_path: Path) -> None:
    whole = wavs.header(len(BODY)) + BODY
    note = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
    path = put(tmp_path, whole[:12] + note + whole[12:] + note)
    assert read(path) == BODY
    assert not probe(path).repaired


def test_extensible_format_is_understood(tmp_path: Path) -> None:
    plain = wavs.header(len(BODY))
    fmt = bytearray(plain[20:36])
    fmt[:2] = struct.pack("<H", 0xFFFE)
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    body = bytes(fmt) + struct.pack("<HHI", 22, 16, 4) + guid
    chunk = b"fmt " + struct.pack("<I", len(body)) + body
    assert read(put(tmp_path, plain[:12] + chunk + plain[36:] + BODY)) == BODY


REFUSED = {
    "empty file": (b"", "recording never began"),
    "text": (b"Not a recording at all, really", "not a WAV file"),
    "cut in the header": (wavs.header(0)[:40], "the header ends before the samples"),
    "cut in the format": (wavs.header(0)[:30], "the format is cut short"),
    "samples before the format": (wavs.header(0)[:12] + b"data\0\0\0\0", "before their format"),
    "two channels": (wavs.header(8, channels=2) + bytes(8), "2 channels"),
    "8 bits": (wavs.header(8, bits=8) + bytes(8), "8-bit samples"),
    "GSM": (wavs.header(65, tag=49, bits=0) + bytes(65), "0x0031 is not PCM"),
    "too slow": (wavs.header(8, rate=4000) + bytes(8), "4000 samples a second"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unusable_file_is_named_with_its_mend(tmp_path: Path, case: str) -> None:
    content, complaint = REFUSED[case]
    path = put(tmp_path, content)
    with pytest.raises(AudioError, match=complaint) as caught:
        probe(path)
    assert str(path) in str(caught.value)
    assert not caught.value.retryable
    assert "\n" not in str(caught.value)


def test_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
        probe(tmp_path / "gone.wav")


def test_folder_in_place_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be read"):
        probe(tmp_path)


def test_file_removed_while_it_is_read_is_an_audio_error(tmp_path: Path) -> None:
    path = put(tmp_path, wavs.header(len(BODY)) + BODY)
    recording = probe(path)
    path.unlink()
    with pytest.raises(AudioError, match="cannot be read"):
        list(recording.blocks(1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(head=st.integers(0, 44), junk=st.binary(max_size=120))
def test_damaged_file_never_brings_down_the_transcriber(
    tmp_path: Path, head: int, junk: bytes
) -> None:
    path = put(tmp_path, wavs.header(0)[:head] + junk)
    try:
        recording = probe(path)
    except AudioError:
        return
    assert len(b"".join(recording.blocks(1))) >= 0
