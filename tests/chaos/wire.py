"""What passes on the wire: every SIP request and every RTP packet of one Asterisk, with the times
that the kernel gives them. Neither our application nor SIPp is asked.

Needs the privilege for raw sockets. Sources: packet(7), RFC 3261, RFC 3550.
"""

import ctypes
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Self

_SO_ATTACH_FILTER = 26
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_ETH_P_IP = 0x0800
_BUFFER_BYTES = 64 << 20
_LOOK_SECONDS = 0.2
EDGE = 0.005
_CALL_ID = re.compile(rb"^Call-ID:\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_FROM = re.compile(rb"^From:[^\r\n]*?<?sips?:([^@>;\s]*)@?", re.MULTILINE | re.IGNORECASE)
_AUDIO = re.compile(rb"^m=audio (\d+)", re.MULTILINE)


@dataclass(slots=True)
class Invite:
    """One call on the wire: who called whom, and the UDP ports at which both want their audio."""

    at: float
    call_id: str
    number: str
    source: int
    destination: int
    caller_port: int = 0
    called_port: int = 0
    ended_at: float | None = None
    answered_by: frozenset[int] = frozenset()  # status codes that came back


@dataclass(frozen=True, slots=True)
class Rtp:
    """One RTP packet as it arrived. `at`: seconds since 1970."""

    at: float
    sequence: int
    payload_type: int
    ssrc: int
    payload: bytes


@dataclass
class Wire:
    """A recording of loopback: packets of Asterisk's SIP port and of its RTP range.

    `with Wire(sip_port, (first, last)) as wire:` records until the block ends.
    """

    sip_port: int
    media: tuple[int, int]
    invites: dict[str, Invite] = field(default_factory=dict)
    audio: dict[tuple[int, int], list[Rtp]] = field(default_factory=dict)  # by (from, to) port
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        _attach(listening, _filter(self.sip_port, *self.media))
        listening.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        listening.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        listening.settimeout(_LOOK_SECONDS)
        listening.bind(("lo", _ETH_P_IP))
        self._thread = threading.Thread(target=self._listen, args=(listening,), name="wire")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def from_callers(self) -> list[Invite]:
        """Calls that came in: requests to Asterisk's SIP port."""
        return [one for one in self.invites.values() if one.destination == self.sip_port]

    def to_agents(self) -> list[Invite]:
        """Calls that Asterisk made."""
        return [one for one in self.invites.values() if one.source == self.sip_port]

    def heard_at(self, port: int) -> list[Rtp]:
        """Everything that arrived at this port, in order."""
        flows = [packets for (_, to), packets in self.audio.items() if to == port]
        return sorted((packet for flow in flows for packet in flow), key=lambda p: p.at)

    def paused_together(self, since: float, until: float) -> tuple[int, int]:
        """How many of Asterisk's own streams sent nothing between two moments, and how many there
        were, among those that sent within a tenth of a second before and after."""
        paused = there = 0
        for (source, _), packets in self.audio.items():
            if not self.media[0] <= source <= self.media[1]:
                continue
            times = [packet.at for packet in packets if since - 0.1 < packet.at < until + 0.1]
            if any(at <= since for at in times) and any(at >= until for at in times):
                there += 1
                paused += not any(since + EDGE < at < until - EDGE for at in times)
        return paused, there

    def _listen(self, listening: socket.socket) -> None:
        with listening:
            while not self._over.is_set():
                try:
                    data, ancillary, _, _ = listening.recvmsg(65_535, 64)
                except TimeoutError:
                    continue
                self._take(data, _stamp(ancillary))

    def _take(self, frame: bytes, at: float) -> None:
        header = 14 + 4 * (frame[14] & 0x0F)
        source, destination, length = struct.unpack_from("!HHH", frame, header)
        body = frame[header + 8 : header + length]
        if self.sip_port in (source, destination):
            self._sip(body, at, source, destination)
        elif len(body) >= 12 and body[0] >> 6 == 2 and not 72 <= body[1] & 0x7F <= 76:
            _, kind, sequence, _, ssrc = struct.unpack_from("!BBHII", body)
            packet = Rtp(at, sequence, kind & 0x7F, ssrc, body[12:])
            self.audio.setdefault((source, destination), []).append(packet)

    def _sip(self, message: bytes, at: float, source: int, destination: int) -> None:
        found = _CALL_ID.search(message)
        if found is None:
            return
        call_id = found[1].decode(errors="replace")
        one = self.invites.get(call_id)
        audio = _AUDIO.search(message)
        if message.startswith(b"INVITE "):
            if one is None:
                who = _FROM.search(message)
                number = who[1].decode(errors="replace") if who else ""
                one = Invite(at, call_id, number, source, destination)
                self.invites[call_id] = one
            if audio:
                one.caller_port = int(audio[1])
        elif one is not None and message.startswith(b"SIP/2.0 "):
            if b"INVITE" in message.split(b"CSeq:", 1)[-1][:20]:
                one.answered_by |= {int(message[8:11])}
            if audio:
                one.called_port = int(audio[1])
        elif one is not None and message.startswith((b"BYE ", b"CANCEL ")):
            one.ended_at = one.ended_at or at


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack_from("@qq", data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()


def _filter(sip: int, first: int, last: int) -> list[tuple[int, int, int, int]]:
    """Classic BPF (linux/filter.h): UDP that arrives from or at one of these ports."""
    load_half, load_byte, index = 0x48, 0x30, 0xB1
    equal, greater, at_least, give = 0x15, 0x25, 0x35, 0x06
    packet_type = 0xFFFFF000 + 4
    program: list[tuple[int, int, int, int]] = [
        (load_byte, 0, 0, packet_type),
        (equal, 0, 14, 0),  # PACKET_HOST: loopback shows each packet on its way out, too
        (0x28, 0, 0, 12),
        (equal, 0, 12, _ETH_P_IP),
        (load_byte, 0, 0, 23),
        (equal, 0, 10, 17),
        (index, 0, 0, 14),
        (load_half, 0, 0, 14),
        (equal, 6, 0, sip),
        (at_least, 0, 1, first),
        (greater, 0, 4, last),
        (load_half, 0, 0, 16),
        (equal, 2, 0, sip),
        (at_least, 0, 2, first),
        (greater, 1, 0, last),
        (give, 0, 0, 0xFFFF),
        (give, 0, 0, 0),
    ]
    return program


def _attach(listening: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    )
    wanted = struct.pack("HL", len(program), ctypes.addressof(code))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, wanted)
