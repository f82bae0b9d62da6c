"""Local UDP ports for SIPp."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.messages import PORT_OFFSET, PORT_STEP

FIRST_MEDIA_PORT = 6000
LAST_MEDIA_PORT = 19_998
"""Below Asterisk's own range, which begins at 20000."""
CALLS_TO_REPEAT = 2500
"""SIPp gives the same port again after so many calls."""
MOST_LISTENED = 1000
"""Calls of one SIPp that can be listened to."""
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
                for port in (*own, *call_ports(base, listened)):
                    held.enter_context(_bound(address, port))
            except OSError:
                continue
        return base
    raise PortsTakenError(f"no {span} free UDP ports in a row on {address}")


def call_ports(base: int, calls: int) -> Iterator[int]:
    """Where the media of so many calls arrives."""
    for number in range(calls):
        yield base + PORT_OFFSET + PORT_STEP * number


@contextmanager
def _bound(address: str, port: int) -> Iterator[None]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind((address, port))
        yield
