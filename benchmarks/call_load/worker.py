"""A contender's process: started, told what it must know, measured, stopped.

The other side of it is `serving`: what every `ivr_<name>.py` runs.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

READY = b"ready\n"
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
SCRIPTS = Path(__file__).resolve().parent.parent


class WorkerError(Exception):
    """A contender could not serve."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, also those that have ended.

    To the nanosecond, by the process's own CPU clock, whose number the kernel makes like this
    (clock_getcpuclockid(3)); /proc would count in steps of 10 ms.
    """
    return time.clock_gettime(~pid << 3 | 2)


@asynccontextmanager
async def worker(name: str, briefing: Mapping[str, object], log: Path) -> AsyncIterator[int]:
    """`python benchmarks/ivr_<name>.py` for the length of the block; gives its process id.

    Raises:
        WorkerError: it ended, or did not get ready in time; the text has its last words.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", sys.executable, str(SCRIPTS / f"ivr_{name}.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(briefing).encode() + b"\n")
        try:
            async with asyncio.timeout(_START_SECONDS):
                said = await process.stdout.readline()
        except TimeoutError:
            said = b""
        if said != READY:
            raise WorkerError(f"ivr_{name}.py cannot serve:\n{_last_words(log)}")
        yield process.pid
        if process.returncode is not None:
            raise WorkerError(f"ivr_{name}.py ended by itself:\n{_last_words(log)}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def briefing() -> dict[str, Any]:
    """What the benchmark tells this process."""
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    return told


def ready() -> None:
    """Tell the benchmark that calls may come."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


async def until_stopped() -> None:
    """Return at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
