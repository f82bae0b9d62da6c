"""A recording whose writer was killed plays again."""

import shutil
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from stt.errors import AudioError
from stt.repair import HEAD_BYTES, mended, repair_wav
from stt.wav import probe
from tests.stt.wavs import RATE, header, write

SAMPLES = np.arange(3 * RATE, dtype=np.int16)
BODY = SAMPLES.astype("<i2").tobytes()


def frames(path: Path) -> int:
    with wave.open(str(path)) as played:
        return played.getnframes()


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF, 2 * len(BODY)])
def test_a_recording_of_a_killed_asterisk_plays_in_full(tmp_path: Path, told: int) -> None:
    path = tmp_path / "killed.wav"
    path.write_bytes(header(told) + BODY)
    assert repair_wav(path)
    assert frames(path) == len(SAMPLES)
    assert path.read_bytes() == header(len(BODY)) + BODY
    assert not probe(path).repaired
    assert not repair_wav(path)


@pytest.mark.skipif(shutil.which("soxi") is None, reason="needs soxi")
def test_players_see_its_length(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    path.write_bytes(header(0) + BODY)
    repair_wav(path)
    told = subprocess.run(["soxi", "-D", str(path)], capture_output=True, text=True, check=True)
    assert float(told.stdout) == 3.0
    assert told.stderr == ""


def test_half_a_sample_at_the_end_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    path.write_bytes(header(0) + BODY + b"\x01")
    assert repair_wav(path)
    assert frames(path) == len(SAMPLES)


def test_a_good_recording_stays_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "good.wav", SAMPLES)
    before = path.read_bytes()
    assert not repair_wav(path)
    assert path.read_bytes() == before


def test_an_empty_recording_is_empty_not_broken(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.write_bytes(header(0))
    assert not repair_wav(path)
    assert frames(path) == 0


def test_the_beginning_is_enough(tmp_path: Path) -> None:
    """A recording is mended while it passes through: its end has not come yet."""
    whole = header(0) + BODY
    head, found = mended(whole[:HEAD_BYTES], len(whole), Path("passing"))
    assert head == (header(len(BODY)) + BODY)[:HEAD_BYTES]
    assert (found.seconds, found.repaired) == (3.0, False)


def test_chunks_before_the_samples_stay(tmp_path: Path) -> None:
    note = b"LIST" + struct.pack("<I", 4) + b"abcd"
    plain = header(0)
    path = tmp_path / "killed.wav"
    path.write_bytes(plain[:36] + note + plain[36:] + BODY)
    assert repair_wav(path)
    assert frames(path) == len(SAMPLES)
    assert note in path.read_bytes()


def test_what_is_no_recording_is_left_alone_and_told(tmp_path: Path) -> None:
    path = tmp_path / "text.wav"
    path.write_bytes(b"not audio at all" * 10)
    with pytest.raises(AudioError, match="not a WAV file"):
        repair_wav(path)
    assert path.read_bytes() == b"not audio at all" * 10
    with pytest.raises(AudioError, match="no such file"):
        repair_wav(tmp_path / "none.wav")
