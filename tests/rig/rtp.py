"""Sending audio as a telephone does (RTP, RFC 3550, payload type 8: A-law at 8 kHz)."""

import asyncio
import math
import re
import socket
import struct

_FRAME = 160  # samples in 20 ms
_A_LAW = 8


def target(sdp: str) -> tuple[str, int]:
    """Where an SDP body (RFC 8866) wants its audio."""
    host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", sdp, re.MULTILINE)
    if host is None or port is None:
        raise ValueError(f"no audio in {sdp!r}")
    return host[1], int(port[1])


async def send_tone(sender: socket.socket, to: tuple[str, int], seconds: float) -> None:
    """Send a 440 Hz tone in real time."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(int(seconds * 50)):
        first = number * _FRAME
        samples = (
            round(8000 * math.sin(2 * math.pi * 440 * (first + i) / 8000)) for i in range(_FRAME)
        )
        header = struct.pack("!BBHII", 0x80, _A_LAW, number & 0xFFFF, first, 0x4853)
        sender.sendto(header + bytes(map(a_law, samples)), to)
        await asyncio.sleep(max(0.0, start + (number + 1) * 0.02 - loop.time()))


def a_law(sample: int) -> int:
    """One 16-bit linear sample as A-law (ITU-T G.711)."""
    magnitude = sample >> 3 if sample >= 0 else -(sample >> 3) - 1  # 12 bits
    segment = max(0, magnitude.bit_length() - 5)
    mantissa = (magnitude >> max(1, segment)) & 0x0F
    return (segment << 4 | mantissa) ^ (0xD5 if sample >= 0 else 0x55)
