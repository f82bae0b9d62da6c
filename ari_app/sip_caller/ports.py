"""Local UDP ports for SIPp, and ears on the ports at which the callers' media arrives."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.messages import PORT_OFFSET, PORT_STEP
from ari_app.sip_caller.plan import KEYS
from ari_app.sip_caller.timeline import ALAW, TELEPHONE_EVENT

FIRST_MEDIA_PORT = 6000
LAST_MEDIA_PORT = 19_998
"""Below Asterisk's own range, which begins at 20000."""
CALLS_TO_REPEAT = 2500
"""SIPp gives the same port again after so many calls."""
MOST_LISTENED = 1000
"""Calls of one SIPp that can be listened to."""
_RTP_HEADER = 12
_EVENT_BYTES = 4
_ATTEMPTS = 200


def free_sip_port(address: str) -> int:
    """A UDP port that is free now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port


def free_media_port(address: str, calls: int, *, listened: int) -> int:
    """A base port such that the ports of all calls lie below Asterisk's, and SIPp's own and those
    of the first `listened` calls are free now. Nobody binds the others: captures go out raw."""
    span = PORT_OFFSET + PORT_STEP * min(calls, CALLS_TO_REPEAT)
    places = (LAST_MEDIA_PORT - FIRST_MEDIA_PORT - span) // 2
    for _ in range(_ATTEMPTS):
        base = FIRST_MEDIA_PORT + 2 * secrets.randbelow(places)
        own = (base, base + 2)
        with ExitStack() as held:
            try:
                for port in (*own, *_call_ports(base, listened)):
                    held.enter_context(_bound(address, port))
            except OSError:
                continue
        return base
    raise PortsTakenError(f"no {span} free UDP ports in a row on {address}")


class Ear(asyncio.DatagramProtocol):
    """Keeps the A-law that arrives, up to `most` bytes, and the keys, in order of arrival."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._key: bytes = b""  # the time stamp of the key that sounds now
        self.heard = bytearray()
        self.keys = ""

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keep the payload of an A-law packet (RFC 3550 header without extensions), or the key of
        a telephone event (RFC 4733), whose packets all have the time stamp of its beginning."""
        kind = data[1] & 0x7F if len(data) > _RTP_HEADER else None
        if kind == ALAW:
            room = self._most - len(self.heard)
            self.heard += data[_RTP_HEADER : _RTP_HEADER + room]
        elif kind == TELEPHONE_EVENT and len(data) >= _RTP_HEADER + _EVENT_BYTES:
            event, stamp = data[_RTP_HEADER], data[4:8]
            if stamp != self._key and event < len(KEYS) and len(self.keys) < self._most:
                self._key = stamp
                self.keys += KEYS[event]


class Ears:
    """One `Ear` for each call of a SIPp run, open while the calls are on."""

    def __init__(self, address: str, base: int, calls: int, most_bytes: int) -> None:
        self._address = address
        self._ports = list(_call_ports(base, calls))
        self._most = most_bytes
        self._transports: list[asyncio.DatagramTransport] = []
        self._ears: list[Ear] = []

    async def __aenter__(self) -> "Ears":
        loop = asyncio.get_running_loop()
        try:
            for port in self._ports:
                transport, ear = await loop.create_datagram_endpoint(
                    lambda: Ear(self._most), local_addr=(self._address, port)
                )
                self._transports.append(transport)
                self._ears.append(ear)
        except OSError as error:
            await self._close()
            raise PortsTakenError(f"the UDP ports {self._ports[0]}… are in use") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    def heard(self, call: int) -> bytes | None:
        """What the call of that number (from 0) heard; None if nobody listened to it."""
        return bytes(self._ears[call].heard) if call < len(self._ears) else None

    def keys(self, call: int) -> str:
        """The keys that came in that call; none where nobody listened."""
        return self._ears[call].keys if call < len(self._ears) else ""

    async def _close(self) -> None:
        for transport in self._transports:
            transport.close()
        await asyncio.sleep(0)  # a transport gives its port back in the loop's next round


def _call_ports(base: int, calls: int) -> Iterator[int]:
    for number in range(calls):
        yield base + PORT_OFFSET + PORT_STEP * number


@contextmanager
def _bound(address: str, port: int) -> Iterator[None]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind((address, port))
        yield
