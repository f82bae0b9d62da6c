"""Clocks that nobody can cheat: the times of packets on loopback.

dumpcap (package tshark) writes what passes the interface; the kernel stamps each packet. `calls_of`
reads such a file: pure.
"""

import asyncio
import re
import signal
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_MAGIC_MICRO, _MAGIC_NANO = 0xA1B2C3D4, 0xA1B23C4D
_ETHERNET, _IPV4, _UDP, _RTP = 14, 0x0800, 17, 12
_CALL_ID = re.compile(rb"^Call-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_AUDIO = re.compile(rb"^m=audio (\d+)", re.MULTILINE)
_OF_INVITE = re.compile(rb"^CSeq:\s*\d+ INVITE", re.MULTILINE | re.IGNORECASE)
TELEPHONE_EVENT, ALAW = 101, 8
KEY_END = 0x80
SECOND_PROMPT_PERIOD = 8  # samples: 1000 Hz at 8 kHz
_BYTES_KEPT = 1600
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


class CaptureError(Exception):
    """Packets could not be captured, or not all of them."""


@dataclass(slots=True)
class CallTimes:
    """Seconds of one call's packets, None for what did not come.

    invited: the first INVITE. answered: its 200. key_ended: the first RFC 4733 packet with the end
    bit, the earliest moment at which Asterisk can tell anybody of the key. prompted: the first RTP
    packet of the second prompt after it. ended: Asterisk's BYE.
    """

    invited: float
    answered: float | None = None
    key_ended: float | None = None
    prompted: float | None = None
    ended: float | None = None

    @property
    def invite_ok_ms(self) -> float | None:
        """INVITE → 200."""
        return None if self.answered is None else (self.answered - self.invited) * 1000

    @property
    def talk_seconds(self) -> float | None:
        """200 → BYE."""
        if self.ended is None or self.answered is None:
            return None
        return self.ended - self.answered

    @property
    def digit_prompt_ms(self) -> float | None:
        """End of the key → second prompt."""
        if self.prompted is None or self.key_ended is None:
            return None
        return (self.prompted - self.key_ended) * 1000


def calls_of(pcap: bytes, sip_port: int) -> list[CallTimes]:
    """Every call of a capture, in the order of their INVITEs.

    `sip_port` is Asterisk's; a call is told by its Call-ID, its media by the caller's port.
    """
    calls: dict[bytes, CallTimes] = {}
    by_port: dict[int, CallTimes] = {}
    for at, source, target, payload in _datagrams(pcap):
        if target == sip_port:
            _from_caller(calls, by_port, at, payload)
        elif source == sip_port:
            _from_asterisk(calls, at, payload)
        elif (call := by_port.get(source)) is not None:
            if call.key_ended is None and _ends_key(payload):
                call.key_ended = at
        elif (
            (call := by_port.get(target)) is not None
            and call.key_ended is not None
            and call.prompted is None
            and is_second_prompt(payload)
        ):
            call.prompted = at
    return list(calls.values())


def is_second_prompt(rtp: bytes) -> bool:
    """Whether an RTP packet carries the 1000 Hz of the second prompt: not the first prompt's
    500 Hz, nor the silence that Asterisk may send while it waits for a key."""
    sound = rtp[_RTP : _RTP + 2 * SECOND_PROMPT_PERIOD]
    one, other = sound[:SECOND_PROMPT_PERIOD], sound[SECOND_PROMPT_PERIOD:]
    return len(rtp) > _RTP and rtp[1] & 0x7F == ALAW and one == other and len(set(one)) > 1


def _from_caller(
    calls: dict[bytes, CallTimes], by_port: dict[int, CallTimes], at: float, sip: bytes
) -> None:
    if not sip.startswith(b"INVITE "):
        return
    call_id, audio = _CALL_ID.search(sip), _AUDIO.search(sip)
    if call_id is None or audio is None or call_id[1] in calls:
        return  # a retransmission: the first one counts
    calls[call_id[1]] = by_port[int(audio[1])] = CallTimes(at)


def _from_asterisk(calls: dict[bytes, CallTimes], at: float, sip: bytes) -> None:
    call_id = _CALL_ID.search(sip)
    call = calls.get(call_id[1]) if call_id else None
    if call is None:
        return
    if sip.startswith(b"SIP/2.0 200") and _OF_INVITE.search(sip):
        call.answered = call.answered or at
    elif sip.startswith(b"BYE "):
        call.ended = call.ended or at


def _ends_key(rtp: bytes) -> bool:
    return (
        len(rtp) >= _RTP + 4
        and rtp[1] & 0x7F == TELEPHONE_EVENT
        and rtp[_RTP + 1] & KEY_END == KEY_END
    )


def _datagrams(pcap: bytes) -> Iterator[tuple[float, int, int, bytes]]:
    """(seconds, source port, target port, payload) of each IPv4 UDP packet over Ethernet."""
    if len(pcap) < 24:
        return
    magic = struct.unpack_from("<I", pcap)[0]
    if magic not in (_MAGIC_MICRO, _MAGIC_NANO):
        raise CaptureError("not a little-endian pcap file")
    unit = 1e-6 if magic == _MAGIC_MICRO else 1e-9
    offset = 24
    while offset + 16 <= len(pcap):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", pcap, offset)
        frame = offset + 16
        offset = frame + size
        ip = frame + _ETHERNET
        if size < _ETHERNET + 28 or struct.unpack_from("!H", pcap, ip - 2)[0] != _IPV4:
            continue
        if pcap[ip + 9] != _UDP or offset > len(pcap):
            continue
        udp = ip + (pcap[ip] & 0x0F) * 4
        source, target = struct.unpack_from("!HH", pcap, udp)
        yield seconds + fraction * unit, source, target, pcap[udp + 8 : offset]


@asynccontextmanager
async def captured(file: Path, packets: str) -> AsyncIterator[None]:
    """Write the packets of loopback that match the capture filter `packets` to `file`.

    Raises:
        CaptureError: dumpcap is missing, may not capture, or lost packets.
    """
    arguments = ["-i", "lo", "-f", packets, "-w", str(file), "-P", "-s", str(_BYTES_KEPT)]
    try:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "dumpcap", "-B", "64", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise CaptureError(f"{error.filename} is not installed; apt-get install tshark") from error
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(_START_SECONDS):
            while b"File: " not in said:
                said += (line := await process.stderr.readline())
                if not line:
                    raise CaptureError(f"dumpcap: {said.decode(errors='replace').strip()}")
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(_STOP_SECONDS):
            rest = (await process.stderr.read()).decode(errors="replace")
            await process.wait()
    lost = re.search(r"received/dropped on interface .*?: \d+/(\d+)", rest)
    if lost is None or int(lost[1]):
        raise CaptureError(f"packets were lost: {rest.strip()}")
