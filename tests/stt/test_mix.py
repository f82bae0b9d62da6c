"""The mix of a talk: every voice where it belongs, however the talk was paused."""

import shutil
import subprocess
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stt.errors import AudioError
from stt.mix import Track, mix
from tests.stt.wavs import RATE, header, write


def mixed(path: Path, *tracks: Track, stereo: bool = False) -> NDArray[np.int16]:
    with path.open("wb") as out:
        seconds = mix(tracks, out.write, stereo=stereo)
    with wave.open(str(path)) as played:
        assert (played.getframerate(), played.getsampwidth()) == (RATE, 2)
        assert played.getnchannels() == (2 if stereo else 1)
        assert seconds == played.getnframes() / RATE
        data = np.frombuffer(played.readframes(played.getnframes()), "<i2")
    return data.reshape(-1, 2) if stereo else data


def constant(path: Path, seconds: float, value: int) -> Path:
    return write(path, np.full(round(seconds * RATE), value, np.int16))


def test_each_party_is_heard_from_the_moment_it_came_in(tmp_path: Path) -> None:
    caller = constant(tmp_path / "caller.wav", 4, 100)
    agent = constant(tmp_path / "agent.wav", 1.5, 7)
    heard = mixed(tmp_path / "mix.wav", Track(caller), Track(agent, offset=2.25))
    assert len(heard) == 4 * RATE
    assert np.all(heard[:18_000] == 100)
    assert np.all(heard[18_000:30_000] == 107)
    assert np.all(heard[30_000:] == 100)


def test_a_pause_is_silence_of_its_length_for_all(tmp_path: Path) -> None:
    """Else the agent would answer before the caller has asked, for the rest of the talk."""
    pauses = [(1.0, 3.0)]
    caller = constant(tmp_path / "caller.wav", 3, 100)  # 0 to 1 and 3 to 5
    agent = constant(tmp_path / "agent.wav", 1.5, 7)  # 0.5 to 1 and 3 to 4
    late = constant(tmp_path / "late.wav", 1, 1000)  # came in at 2, in the pause
    heard = mixed(
        tmp_path / "mix.wav",
        Track(caller, 0, pauses),
        Track(agent, 0.5, pauses),
        Track(late, 2, pauses),
    )
    seconds = [int(block[0]) for block in heard.reshape(-1, RATE // 2)]
    assert seconds == [100, 107, 0, 0, 0, 0, 1107, 1107, 100, 100]


def test_in_stereo_the_caller_is_on_the_left_and_everybody_else_on_the_right(
    tmp_path: Path,
) -> None:
    caller = constant(tmp_path / "caller.wav", 1, 100)
    agent = constant(tmp_path / "agent.wav", 2, 7)
    second = constant(tmp_path / "second.wav", 1, 70)
    tracks = (Track(agent), Track(caller, caller=True), Track(second, offset=1))
    heard = mixed(tmp_path / "mix.wav", *tracks, stereo=True)
    assert heard[0].tolist() == [100, 7]
    assert heard[-1].tolist() == [0, 77]


def test_two_who_shout_at_once_are_limited_not_turned_into_noise(tmp_path: Path) -> None:
    loud = constant(tmp_path / "loud.wav", 0.5, 30_000)
    low = constant(tmp_path / "low.wav", 0.5, -30_000)
    assert set(mixed(tmp_path / "a.wav", Track(loud), Track(loud)).tolist()) == {32_767}
    assert set(mixed(tmp_path / "b.wav", Track(low), Track(low)).tolist()) == {-32_768}


TIMES = st.integers(0, 40).map(lambda tenths: tenths / 10)
PAUSES = st.lists(st.tuples(TIMES, TIMES).map(lambda pair: tuple(sorted(pair))), max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 25), TIMES), min_size=1, max_size=3),
    PAUSES,
)
def test_every_sample_is_where_its_party_spoke_it(
    tmp_path: Path, parties: list[tuple[int, float]], pauses: list[tuple[float, float]]
) -> None:
    """Against the plain definition: a clock that stands still while it is paused."""
    paused = np.zeros(50 * RATE, bool)
    for start, stop in pauses:
        paused[round(start * RATE) : round(stop * RATE)] = True
    expected = np.zeros(50 * RATE, np.int64)
    tracks, length = [], 0
    for number, (tenths, offset) in enumerate(parties):
        samples = np.arange(1, tenths * RATE // 10 + 1, dtype=np.int16) % 1000 + 1
        path = write(tmp_path / f"{number}.wav", samples)
        tracks.append(Track(path, offset, pauses))
        begin = round(offset * RATE)
        places = begin + np.flatnonzero(~paused[begin:])[: len(samples)]
        expected[places] += samples
        length = max(length, int(places[-1]) + 1 if len(places) else begin)
    heard = mixed(tmp_path / "mix.wav", *tracks)
    assert len(heard) == length
    assert np.array_equal(heard, expected[:length])


def test_a_long_talk_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    second = np.full(RATE, 5, "<i2").tobytes()
    with path.open("wb") as file:
        file.write(header(1800 * len(second)))
        for _ in range(1800):
            file.write(second)
    got = 0

    def count(block: bytes) -> None:
        nonlocal got
        got += len(block)

    tracemalloc.start()
    try:
        mix([Track(path), Track(path, 600)], count)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got == 2400 * RATE * 2 + 44
    assert most < 2_000_000


@pytest.mark.skipif(shutil.which("soxi") is None, reason="needs soxi")
def test_the_mix_plays(tmp_path: Path) -> None:
    caller = constant(tmp_path / "caller.wav", 2.5, 100)
    mixed(tmp_path / "mix.wav", Track(caller, 1), stereo=True)
    told = subprocess.run(
        ["soxi", "-D", str(tmp_path / "mix.wav")], capture_output=True, text=True, check=True
    )
    assert float(told.stdout) == 3.5
    assert told.stderr == ""


def test_nobody_recorded_is_an_empty_mix(tmp_path: Path) -> None:
    assert len(mixed(tmp_path / "mix.wav")) == 0


def test_what_cannot_be_mixed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    fast = write(tmp_path / "fast.wav", np.zeros(100, np.int16), rate=16_000)
    good = constant(tmp_path / "good.wav", 1, 1)
    written: list[bytes] = []
    with pytest.raises(AudioError, match="8000"):
        mix([Track(good), Track(fast)], written.append)
    with pytest.raises(AudioError, match="no such file"):
        mix([Track(good), Track(tmp_path / "none.wav")], written.append)
    with pytest.raises(ValueError, match="earliest"):
        mix([Track(good, -1)], written.append)
    with pytest.raises(ValueError, match="before it begins"):
        mix([Track(good, 0, [(2, 1)])], written.append)
    with pytest.raises(AudioError, match="longer"):
        mix([Track(good, 1e6)], written.append)
    assert written == []


def test_a_recording_that_shrinks_meanwhile_is_told(tmp_path: Path) -> None:
    path = constant(tmp_path / "caller.wav", 3, 1)

    def shrink(_: bytes) -> None:
        path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(AudioError, match="ended"):
        mix([Track(path)], shrink)
