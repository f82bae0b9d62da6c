"""One process per state folder, one system per name: locks that no crash can leave behind.

A process that is to take over holds a second lock while it asks: who is asked looks at it, so a
request that comes too late, because the one asked was frozen, ends nobody.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

from ari_app.settings import Settings
from asterisk_conf import secrets
from desk.db.names import named

LOCK = "line.lock"
HEIR_LOCK = "heir.lock"
HAND_OVER = signal.SIGUSR1  # to a serving process: end, and leave calls to the next one
_LOOKS = 5
_LOOK_SECONDS = 0.05
_STOPPED = "T"  # State: of /proc/PID/status after SIGSTOP


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
    with _held(state_dir, LOCK) as held:
        if not held:
            raise LineTakenError(
                f"another process serves the line in {state_dir}; stop it first, "
                "take it over (huisheng run --take-over), or give this one a state_dir of its own"
            )
        yield


def sole_name(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Hold `pbx.system_name` for this line's Asterisk, which is known by its password.

    Raises:
        NameTaken: another Asterisk serves the desk under this name.
        DatabaseError, SecretsError: it cannot be told.
    """
    password = secrets.load(settings.state_dir, settings.pbx).ari
    wait = settings.database.wait_seconds
    return named(settings.database_url, settings.pbx.system_name, password, wait_seconds=wait)


def take_over(state_dir: Path, seconds: float) -> None:
    """Ask the process that serves the line to leave everything in place and end; wait for that.

    It is asked, not killed: one that is frozen or slow may still have records of calls in memory,
    and only a person can tell whether it comes to itself again.

    Raises:
        LineTakenError: it does not within `seconds`, or a third process takes over as well.
        StateFolderError: the folder cannot be written.
    """
    if not is_owned(state_dir):
        return
    with _held(state_dir, HEIR_LOCK) as held:
        if not held:
            raise LineTakenError(
                f"another process is taking over the line in {state_dir}; leave it to that one"
            )
        owner = _owner(state_dir)
        if owner:
            with contextlib.suppress(ProcessLookupError):
                os.kill(owner, HAND_OVER)
        ends = time.monotonic() + seconds
        while is_owned(state_dir):
            if time.monotonic() > ends:
                raise LineTakenError(_hung(state_dir, _owner(state_dir), seconds))
            time.sleep(_LOOK_SECONDS)


def is_wanted(state_dir: Path) -> bool:
    """Whether a process waits to take this line over."""
    return _is_locked(state_dir / HEIR_LOCK)


def make_state_folder(state_dir: Path) -> None:
    """Make sure that the line can keep its state there, before anything else is begun.

    Raises:
        StateFolderError: it cannot.
    """
    os.close(_open(state_dir, LOCK))


def is_owned(state_dir: Path) -> bool:
    """Whether a process serves the line in this state folder. Nothing is made or kept."""
    return _is_locked(state_dir / LOCK)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _held(state_dir: Path, name: str) -> Iterator[bool]:
    """The lock of that name for the block, with our process id in it; False: another has it."""
    descriptor = _open(state_dir, name)
    try:
        held = _locked(descriptor)
        if held:
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield held
    finally:
        os.close(descriptor)


def _open(state_dir: Path, name: str) -> int:
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(state_dir / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
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


def _owner(state_dir: Path) -> int:
    """Process id of who serves the line; 0 if it has just begun to."""
    try:
        return int((state_dir / LOCK).read_text())
    except (OSError, ValueError):
        return 0


def _hung(state_dir: Path, owner: int, seconds: float) -> str:
    try:
        status = Path(f"/proc/{owner}/status").read_text()
    except OSError:
        status = ""
    state = next((line.split()[1] for line in status.splitlines() if line[:6] == "State:"), "")
    is_stopped = state == _STOPPED
    why = "it is stopped (SIGSTOP)" if is_stopped else f"not within {seconds:g} s"
    first = f"let it go on (kill -CONT {owner}), or " if is_stopped else ""
    return (
        f"process {owner} does not hand over the line in {state_dir}: {why}; {first}"
        f"end it with kill -KILL {owner} and run this again: talks go on meanwhile, other callers "
        "are served by the dialplan"
    )
