"""One process per state folder: the kernel's lock, which no crash can leave behind."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "line.lock"
HAND_OVER = signal.SIGUSR1  # to a serving process: end, and leave calls to the next one
_LOOKS = 5
_LOOK_SECONDS = 0.05


class LineTakenError(Exception):
    """Another process serves this line."""


class StateFolderError(Exception):
    """The state folder cannot be made or written."""


@contextmanager
def sole_owner(state_dir: Path) -> Iterator[None]:
    """Hold the state folder for this process (flock(2)).

    Raises:
        LineTakenError: another process holds it.
        StateFolderError: the folder cannot be written.
    """
    descriptor = _open(state_dir)
    try:
        if not _locked(descriptor):
            raise LineTakenError(
                f"another process serves the line in {state_dir}; stop it first, "
                "take it over (huisheng run --take-over), or give this one a state_dir of its own"
            )
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def take_over(state_dir: Path, seconds: float) -> None:
    """Ask the process that serves the line to leave everything in place and end; wait for that.

    Raises:
        LineTakenError: it does not within `seconds`.
    """
    if not is_owned(state_dir):
        return
    owner = int((state_dir / LOCK).read_text() or "0")
    if owner > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(owner, HAND_OVER)
    ends = time.monotonic() + seconds
    while is_owned(state_dir):
        if time.monotonic() > ends:
            raise LineTakenError(
                f"process {owner} has not handed over the line in {state_dir} within "
                f"{seconds:g} s; "
                "stop it, then start this one: callers are served again at once"
            )
        time.sleep(_LOOK_SECONDS)


def make_state_folder(state_dir: Path) -> None:
    """Make sure that the line can keep its state there, before anything else is begun.

    Raises:
        StateFolderError: it cannot.
    """
    os.close(_open(state_dir))


def is_owned(state_dir: Path) -> bool:
    """Whether a process serves the line in this state folder. Nothing is made or kept."""
    try:
        descriptor = os.open(state_dir / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(state_dir: Path) -> int:
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(state_dir / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateFolderError(
            f"{error.filename or state_dir} cannot be written ({error.strerror}); "
            "mend the rights of state_dir, or name another folder in config.yaml"
        ) from error


def _locked(descriptor: int) -> bool:
    """Take the lock. `is_owned` of another process holds it for a moment, so one look is not
    enough to tell that the line is taken."""
    for look in range(_LOOKS):
        if look:
            time.sleep(_LOOK_SECONDS)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False
