"""Local UDP ports for SIPp.

`HUISHENG_CALLER_PORTS`, for example `6000-12999`, says in which range media ports are taken: the
callers of several processes on one machine do not then hear one another's calls.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from ari_app.sip_caller.errors import PortsTakenError
from ari_app.sip_caller.messages import PORT_OFFSET, PORT_STEP

RANGE = "HUISHENG_CALLER_PORTS"
FIRST_MEDIA_PORT, LAST_MEDIA_PORT = 6000, 19_998
"""Below Asterisk's own range, which begins at 20000."""
CALLS_TO_REPEAT = 2500
"""SIPp gives the same port again after so many calls."""
MOST_LISTENED = 1000
"""Calls of one SIPp that can be listened to."""
_ATTEMPTS = 2000
_LEAST = 200
_chance = secrets.SystemRandom()


def free_sip_port(address: str) -> int:
    """A UDP port that is free now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port


def media_ports() -> tuple[int, int]:
    """The first and the last media port that may be taken; even numbers.

    Raises ValueError: the range that the environment names is none.
    """
    named = os.environ.get(RANGE)
    if named is None:
        return FIRST_MEDIA_PORT, LAST_MEDIA_PORT
    first, _, last = named.partition("-")
    if not (first.isdecimal() and last.isdecimal()) or int(last) - int(first) < _LEAST:
        raise ValueError(f"{RANGE}={named!r} is no range of {_LEAST} ports or more, like 6000-9999")
    return int(first) & ~1, int(last) & ~1


def free_media_port(address: str, calls: int, *, listened: int) -> int:
    """A base port such that the ports of all calls lie below Asterisk's, and SIPp's own and those
    of the first `listened` calls are free now. Nobody binds the others: captures go out raw.

    In a range that is narrower than so many calls need, the last ones go beyond it.
    """
    first, last = media_ports()
    span = PORT_OFFSET + PORT_STEP * min(calls, CALLS_TO_REPEAT)
    room = last - first
    places = (room - (span if span < room else room // 2)) // 2
    for place in _chance.sample(range(places), min(places, _ATTEMPTS)):
        base = first + 2 * place
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
