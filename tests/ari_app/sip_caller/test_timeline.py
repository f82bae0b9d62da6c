"""The sound of a call: wrong times or numbers here and Asterisk hears no key, or hears it twice."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.sip_caller.plan import KEYS
from ari_app.sip_caller.timeline import (
    ALAW,
    PACKET_SECONDS,
    SAMPLES,
    SILENCE,
    TELEPHONE_EVENT,
    Keys,
    Segment,
    Silence,
    Sound,
    capture,
    packets,
    seconds_of,
    sound_of,
)

SEGMENTS = st.lists(
    st.one_of(
        st.builds(Silence, st.floats(0, 2)),
        st.builds(Sound, st.binary(max_size=2000)),
        st.builds(Keys, st.text(KEYS, min_size=1, max_size=4)),
    ),
    max_size=8,
)


@given(SEGMENTS)
def test_packets_leave_in_order_on_one_clock(segments: list[Segment]) -> None:
    sent = list(packets(segments))
    assert all(earlier.at <= later.at for earlier, later in pairwise(sent))
    total = sum(map(seconds_of, segments))
    assert all(packet.at < total for packet in sent)
    for packet in sent:
        if packet.payload_type == ALAW:
            assert packet.timestamp == round(packet.at * 8000)
            assert len(packet.payload) == SAMPLES


@given(SEGMENTS)
def test_plain_sound_takes_as_long_as_the_packets_say(segments: list[Segment]) -> None:
    assert len(sound_of(segments)) == pytest.approx(sum(map(seconds_of, segments)) * 8000, abs=1)


def test_each_key_is_one_event_that_ends_three_times() -> None:
    events = [p for p in packets([Keys("15")]) if p.payload_type == TELEPHONE_EVENT]
    keys = [struct.unpack("!BBH", p.payload) for p in events]
    assert [event for event, _, _ in keys] == [1] * 8 + [5] * 8
    for number in (0, 8):
        one = keys[number : number + 8]
        assert [flags >> 7 for _, flags, _ in one] == [0] * 5 + [1] * 3
        assert [duration for _, _, duration in one] == [160, 320, 480, 640, 800, 960, 960, 960]
        assert len({p.timestamp for p in events[number : number + 8]}) == 1
    assert events[0].timestamp != events[8].timestamp, "the same time stamp is the same key"


def test_a_sparse_silence_keeps_its_time() -> None:
    sent = list(packets([Silence(1.0, packets=2), Sound(b"\x2a" * SAMPLES)]))
    assert [p.at for p in sent] == pytest.approx([0.0, PACKET_SECONDS, 1.0])


def test_the_capture_holds_every_packet_as_rtp() -> None:
    sent = list(packets([Sound(b"\x2a" * 320), Keys("#")]))
    data = capture(sent)
    assert struct.unpack("<IHHiIII", data[:24])[0] == 0xA1B2C3D4
    offset, numbers, times = 24, [], []
    while offset < len(data):
        seconds, microseconds, length, whole = struct.unpack("<IIII", data[offset : offset + 16])
        assert length == whole
        frame = data[offset + 16 : offset + 16 + length]
        udp = frame[34:]
        assert struct.unpack("!H", udp[4:6])[0] == len(udp)
        version, kind, number, _, _ = struct.unpack("!BBHII", udp[8:20])
        assert version == 0x80
        assert kind & 0x7F in {ALAW, TELEPHONE_EVENT}
        numbers.append(number)
        times.append(seconds + microseconds / 1e6)
        offset += 16 + length
    assert numbers == list(range(1, len(sent) + 1))
    assert times == pytest.approx([1 + p.at for p in sent])


def test_speech_that_fills_no_whole_packet_ends_in_silence() -> None:
    (packet,) = packets([Sound(b"\x2a")])
    assert packet.payload == b"\x2a" + SILENCE * 159
