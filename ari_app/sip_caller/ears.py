"""Ears on the ports at which the callers' media arrives."""

import asyncio
import socket
import struct
import time
from contextlib import suppress

from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.plan import KEYS
from ari_app.sip_caller.ports import call_ports
from ari_app.sip_caller.rtp import Arrival, Rtp
from ari_app.sip_caller.timeline import ALAW, TELEPHONE_EVENT

_HEADER = struct.Struct("!BBHII")
_SO_TIMESTAMPNS = 35
"""socket(7) on Linux: every datagram comes with a `struct timespec` of its arrival."""
_TIMESPEC = struct.Struct("@ll")
_MOST_BYTES = 2048
_BUFFER_BYTES = 1 << 20
"""Several seconds of a call, in which the test may be busy elsewhere."""


class Ear:
    """Keeps the A-law packets that arrive at one port, up to `most`, and the keys."""

    def __init__(self, address: tuple[str, int], most: int) -> None:
        self._most = most
        self._arrivals: list[Arrival] = []
        self._keys = ""
        self._key_began = -1  # the time stamp of the key that sounds now
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    @property
    def heard(self) -> Rtp:
        """What came so far."""
        self._read()
        return Rtp(tuple(self._arrivals), self._keys)

    def close(self) -> None:
        """Hear what still waits, and give the port back."""
        self._read()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        with suppress(BlockingIOError, ConnectionError):
            while self._socket.fileno() >= 0:
                data, ancillary, _, _ = self._socket.recvmsg(_MOST_BYTES, 64)
                self._keep(data, _arrived(ancillary))

    def _keep(self, data: bytes, at: float) -> None:
        if len(data) <= _HEADER.size:
            return
        _, kind, sequence, timestamp, source = _HEADER.unpack_from(data)
        payload = data[_HEADER.size :]  # Asterisk sends neither extensions nor sources in between
        if kind & 0x7F == ALAW and len(self._arrivals) < self._most:
            self._arrivals.append(Arrival(at, sequence, timestamp, source, payload))
        # All packets of a telephone event have the time stamp of its beginning (RFC 4733).
        if kind & 0x7F == TELEPHONE_EVENT and timestamp != self._key_began:
            self._key_began = timestamp
            if payload[0] < len(KEYS) and len(self._keys) < self._most:
                self._keys += KEYS[payload[0]]


def _arrived(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()


class Ears:
    """One `Ear` for each call of a SIPp run, open while the calls are on."""

    def __init__(self, address: str, base: int, calls: int, most_packets: int) -> None:
        self._places = [(address, port) for port in call_ports(base, calls)]
        self._most = most_packets
        self._ears: list[Ear] = []

    async def __aenter__(self) -> "Ears":
        try:
            for place in self._places:
                self._ears.append(Ear(place, self._most))
        except OSError as error:
            self._close()
            raise PortsTakenError(f"the UDP ports {self._places[0][1]}… are in use") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    def heard(self, call: int) -> Rtp | None:
        """What the call of that number (from 0) heard; None if nobody listened to it."""
        return self._ears[call].heard if call < len(self._ears) else None

    def _close(self) -> None:
        for ear in self._ears:
            ear.close()
