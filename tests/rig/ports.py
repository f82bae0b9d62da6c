"""Ports for tests, reserved across all test processes of this machine.

A port is held by a file lock until the test ends (`release`), or, if it was reserved for longer
(`keep`), until the process does. All lie below 32768, where Linux takes ports for outgoing
connections from.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_SIGNALLING = range(2000, 4000)
CALLERS = (4000, 19_999)  # where the media ports of SIPp lie; a share of it for each worker
MEDIA_BLOCK = 240  # 120 call legs
_MEDIA = range(20000, 32400, MEDIA_BLOCK)

# Descriptors of lock files; closing one gives its port back.
_held: list[int] = []
_kept: list[int] = []


def free_port() -> int:
    """One port that nobody uses, free for TCP and UDP on loopback."""
    return _reserve(_SIGNALLING, 1)


def free_media_ports() -> tuple[int, int]:
    """The first and last of `MEDIA_BLOCK` UDP ports in a row, for the RTP of one Asterisk."""
    first = _reserve(_MEDIA, MEDIA_BLOCK)
    return first, first + MEDIA_BLOCK - 1


def keep() -> None:
    """Hold what is reserved now until the process ends: it is not for one test alone."""
    _kept.extend(_held)
    _held.clear()


def release() -> None:
    """Give back what was reserved since the last `keep`."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


def _reserve(candidates: range, size: int) -> int:
    folder = Path(tempfile.gettempdir()) / f"huisheng-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for first in random.sample(candidates, len(candidates)):
        descriptor = os.open(folder / str(first), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        if all(_free(port) for port in range(first, first + size)):
            _held.append(descriptor)
            return first
        os.close(descriptor)
    raise RuntimeError("no free port is left; end other test runs")


def _free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
