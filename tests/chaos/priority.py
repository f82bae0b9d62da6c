"""The telephone exchange and its test callers go before everything else that runs here.

What is measured of the sound is Asterisk's and ours, not what other work on a shared machine lets
them do. Needs the privilege to raise a priority, which who may open raw sockets mostly has.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NICE = -10
_SIPP = "sipp"


def raise_priority(pid: int) -> None:
    """Of every thread of this process; those that it makes later have it, too."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, int(thread.name), NICE)


def own_sipps() -> Iterator[int]:
    """The SIPp processes that this process has started."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            name, _, rest = (folder / "stat").read_text().partition(") ")
            if name.endswith(f"({_SIPP}") and int(rest.split()[1]) == os.getpid():
                yield int(folder.name)
