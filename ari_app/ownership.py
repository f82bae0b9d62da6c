"""One process per state folder: the kernel's lock, which no crash can leave behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LineTakenError(Exception):
    """Another process serves this line."""


@contextmanager
def sole_owner(state_dir: Path) -> Iterator[None]:
    """Hold the state folder for this process (flock(2)).

    Raises:
        LineTakenError: another process holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(state_dir / "line.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LineTakenError(
                f"another process serves the line in {state_dir}; stop it first, "
                "or give this one a state_dir of its own"
            ) from error
        yield
    finally:
        os.close(descriptor)
