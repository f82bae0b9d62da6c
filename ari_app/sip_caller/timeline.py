"""The RTP that a caller sends, laid out ahead of time: speech, silence and keys on one clock.

Pure: sounds and keys in, packets out, a capture file at the end, which SIPp replays.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ari_app.sip_caller.plan import KEYS
from stt.g711 import A_LAW

RATE = 8000
PACKET_SECONDS = 0.02
SAMPLES = 160
SILENCE = b"\xd5"
"""One A-law sample of digital silence (ITU-T G.711)."""
ALAW = 8
TELEPHONE_EVENT = 101
KEY_PACKETS = 6
"""A key sounds for 120 ms, well over the 40 ms that ITU-T Q.24 wants recognised."""
PAUSE_AFTER_KEY_SECONDS = 0.1
OPENING_PACKETS = 5
_SSRC = 0x48535649
_TONE_LEVEL = 8000
_END_SPACING_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Silence:
    """`seconds` without sound; `packets` tells how many are sent at most (None: all)."""

    seconds: float
    packets: int | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """Headerless 8 kHz A-law."""

    alaw: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """Telephone keys, one after another."""

    keys: str


Segment: TypeAlias = Silence | Sound | Keys


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet and the second, counted from the start, at which it leaves."""

    at: float
    payload_type: int
    marker: bool
    timestamp: int
    payload: bytes


def seconds_of(segment: Segment) -> float:
    """How long a segment takes, in whole packets."""
    match segment:
        case Silence(seconds=seconds):
            return round(seconds / PACKET_SECONDS) * PACKET_SECONDS
        case Sound(alaw=alaw):
            return -(-len(alaw) // SAMPLES) * PACKET_SECONDS
        case Keys(keys=keys):
            return len(keys) * (KEY_PACKETS * PACKET_SECONDS + PAUSE_AFTER_KEY_SECONDS)


def packets(segments: Iterable[Segment]) -> Iterator[Packet]:
    """The packets of all segments on one clock, in the order in which they leave."""
    slot = 0
    for segment in segments:
        match segment:
            case Silence(packets=most):
                slots = round(seconds_of(segment) / PACKET_SECONDS)
                yield from _audio(slot, SILENCE * (SAMPLES * _least(slots, most)))
                slot += slots
            case Sound(alaw=alaw):
                yield from _audio(slot, alaw)
                slot += round(seconds_of(segment) / PACKET_SECONDS)
            case Keys(keys=keys):
                for key in keys:
                    yield from key_packets(key, slot)
                    slot += KEY_PACKETS
                    rest = Silence(PAUSE_AFTER_KEY_SECONDS)
                    slots = round(rest.seconds / PACKET_SECONDS)
                    yield from _audio(slot, SILENCE * (SAMPLES * slots))
                    slot += slots


def key_packets(key: str, slot: int) -> list[Packet]:
    """One key as RFC 4733 telephone event: `KEY_PACKETS` packets whose duration grows, the last
    one with the end bit and three times, all with the time stamp of the key's beginning."""
    event = KEYS.index(key)
    start = slot * PACKET_SECONDS
    sent = []
    for number in range(1, KEY_PACKETS + 3):
        duration = min(number, KEY_PACKETS)
        repeats = number - duration
        end = number >= KEY_PACKETS
        sent.append(
            Packet(
                at=start + (duration - 1) * PACKET_SECONDS + repeats * _END_SPACING_SECONDS,
                payload_type=TELEPHONE_EVENT,
                marker=number == 1,
                timestamp=slot * SAMPLES,
                payload=struct.pack("!BBH", event, 0x80 * end | 10, duration * SAMPLES),
            )
        )
    return sent


def capture(sent: Sequence[Packet]) -> bytes:
    """A pcap file of the packets as IPv4/UDP over Ethernet. SIPp replaces addresses and ports."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for number, packet in enumerate(sent):
        second_byte = packet.payload_type | 0x80 * packet.marker
        rtp = struct.pack(
            "!BBHII",
            0x80,
            second_byte,
            (number + 1) & 0xFFFF,
            (packet.timestamp + SAMPLES) & 0xFFFFFFFF,
            _SSRC,
        )
        udp = struct.pack("!HHHH", 6000, 6000, 8 + len(rtp) + len(packet.payload), 0)
        datagram = udp + rtp + packet.payload
        ip = struct.pack(
            "!BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(datagram),
            number & 0xFFFF,
            0,
            64,
            17,
            0,
            b"\x7f\0\0\1",
            b"\x7f\0\0\1",
        )
        frame = bytes(12) + b"\x08\x00" + ip + datagram
        microseconds = round(packet.at * 1_000_000)
        stamp = struct.pack(
            "<IIII", 1 + microseconds // 1_000_000, microseconds % 1_000_000, len(frame), len(frame)
        )
        out.append(stamp + frame)
    return b"".join(out)


def sound_of(segments: Iterable[Segment]) -> bytes:
    """The same timeline as plain A-law, with silence where a key sounds: what goes out when keys
    travel as SIP INFO."""
    out = []
    for segment in segments:
        if isinstance(segment, Sound):
            padding = -len(segment.alaw) % SAMPLES
            out.append(segment.alaw + SILENCE * padding)
        else:
            out.append(SILENCE * round(seconds_of(segment) * RATE))
    return b"".join(out)


def tone(hz: float, seconds: float) -> bytes:
    """A sine of `hz` as A-law, at a quarter of the full level."""
    turns = np.arange(round(seconds * RATE)) * (hz / RATE)
    sine = np.round(_TONE_LEVEL * np.sin(2 * np.pi * turns))
    codes = np.argsort(A_LAW)
    levels = A_LAW[codes].astype(np.int32)
    borders = (levels[1:] + levels[:-1] + 1) // 2
    alaw: bytes = codes[np.searchsorted(borders, sine, side="right")].astype(np.uint8).tobytes()
    return alaw


def _audio(slot: int, alaw: bytes) -> Iterator[Packet]:
    for offset in range(0, len(alaw), SAMPLES):
        number = slot + offset // SAMPLES
        yield Packet(
            at=number * PACKET_SECONDS,
            payload_type=ALAW,
            marker=offset == 0,
            timestamp=number * SAMPLES,
            payload=alaw[offset : offset + SAMPLES].ljust(SAMPLES, SILENCE),
        )


def _least(slots: int, most: int | None) -> int:
    return slots if most is None else min(slots, most)
