"""What was heard: a gap, a jump or a wrong tone that is overlooked here is one callers hear."""

import struct

import pytest

from ari_app.sip_caller.rtp import Arrival, Gap, Jump, Rtp
from ari_app.sip_caller.timeline import SAMPLES, SILENCE, tone
from stt.g711 import A_LAW, decode

START = 1795320447.25


def _arrivals(sound: bytes, first: int = 65_533, source: int = 7) -> list[Arrival]:
    return [
        Arrival(
            at=START + number * 0.02,
            sequence=(first + number) & 0xFFFF,
            timestamp=number * SAMPLES,
            source=source,
            alaw=sound[number * SAMPLES : (number + 1) * SAMPLES],
        )
        for number in range(len(sound) // SAMPLES)
    ]


def _rtp(sound: bytes) -> Rtp:
    return Rtp(tuple(_arrivals(sound)))


def test_sound_without_a_fault_has_none() -> None:
    rtp = _rtp(tone(440, 1))
    assert rtp.gaps() == []
    assert rtp.sequence_jumps() == [], "numbers begin again after 65535"
    assert len(rtp.alaw) == 8000
    assert Rtp(()).gaps() == Rtp(()).sequence_jumps() == []


def test_lost_packets_are_a_gap_and_a_jump() -> None:
    arrivals = _arrivals(tone(440, 1))
    rtp = Rtp(tuple(arrivals[:10] + arrivals[13:]))
    (gap,) = rtp.gaps()
    assert gap == Gap(arrivals[9].at, pytest.approx(0.08))
    assert rtp.sequence_jumps() == [Jump(arrivals[13].at, 7, 10, new_source=False)]
    assert rtp.gaps(longer_than=0.1) == []
    assert rtp.gaps(begin=arrivals[13].at) == []
    assert rtp.sequence_jumps(end=arrivals[13].at) == []


@pytest.mark.parametrize("fault", ["twice", "exchanged", "other source"])
def test_packets_that_do_not_follow_each_other_are_jumps(fault: str) -> None:
    arrivals = _arrivals(tone(440, 1))
    if fault == "twice":
        arrivals.insert(5, arrivals[4])
    elif fault == "exchanged":
        arrivals[4], arrivals[5] = arrivals[5], arrivals[4]
    else:
        arrivals[5:] = _arrivals(tone(440, 1), source=8)[5:]
    jumps = Rtp(tuple(arrivals)).sequence_jumps()
    assert jumps
    assert any(jump.new_source for jump in jumps) == (fault == "other source")


@pytest.mark.parametrize("hz", [300, 440, 1000, 2500, 3300])
def test_tone_is_told_by_its_frequency(hz: int) -> None:
    rtp = _rtp(SILENCE * 4000 + tone(hz, 1))
    assert rtp.dominant_tone(START + 0.6, START + 1.4) == pytest.approx(hz, abs=3)
    assert rtp.dominant_tone(START, START + 0.4) is None
    assert rtp.dominant_tone(START + 5) is None


def test_mixture_is_no_tone() -> None:
    half = [tone(hz, 1) for hz in (500, 1200, 2000, 2900)]
    mixed = b"".join(
        half[number % 4][number * SAMPLES : (number + 1) * SAMPLES] for number in range(50)
    )
    assert _rtp(mixed).dominant_tone() is None


def test_tone_swings_around_zero_at_a_level_that_telephones_carry() -> None:
    samples = decode(tone(1000, 1), A_LAW).astype(int)
    assert 7000 < samples.max() < 9000
    assert abs(samples.mean()) < 100
    assert struct.calcsize("@ll") == 16, "a struct timespec as the kernel writes it"
