"""Keeping an Asterisk of our own alive, and its log files short."""

import asyncio
import re
from pathlib import Path

import structlog

from asterisk_conf.errors import ConfValueError, ControlError, StartError
from asterisk_conf.server import AsteriskServer

log = structlog.get_logger()

FIRST_SECONDS, MOST_SECONDS = 0.2, 30.0  # between two attempts to start it
STEADY_SECONDS = 60.0  # who lives that long has recovered
LOOK_SECONDS = 60.0
MOST_LOG_BYTES = 16 << 20
OLD_LOGS = 2  # rotated files that are kept of each log
_ROTATED = re.compile(r"(?:messages|security)\.([0-9]+)")


async def watch(server: AsteriskServer) -> None:
    """Start Asterisk anew whenever it dies, until it is stopped or this is cancelled.

    While it is down `server.running()` is False. Notes and messages lie in files and are there
    again; calls are lost, and reconciliation makes tickets of them.
    """
    wait = FIRST_SECONDS
    while server.wanted:
        born = asyncio.get_running_loop().time()
        while not await server.ended(LOOK_SECONDS):
            await shorten_logs(server)
        if not server.wanted:
            return
        if asyncio.get_running_loop().time() - born > STEADY_SECONDS:
            wait = FIRST_SECONDS
        log.critical("Asterisk has died; starting it anew", seconds=wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, MOST_SECONDS)
        try:
            if server.wanted:
                await server.start()
        except (StartError, ConfValueError, OSError) as error:
            log.critical("Asterisk does not start", error=str(error), again_in=wait)
        else:
            log.warning("Asterisk runs again", pid=server.pid)


async def shorten_logs(server: AsteriskServer) -> None:
    """Put aside log files that have grown long, and delete older ones."""
    try:
        await _shorten(server)
    except OSError as error:
        log.error("Asterisk's logs cannot be shortened", error=str(error), mend="look at the disk")


async def _shorten(server: AsteriskServer) -> None:
    paths = server.paths
    logs = (paths.messages_log, paths.log / "security")
    if any(_bytes(path) > MOST_LOG_BYTES for path in logs):
        try:
            await server.cli("logger rotate")
        except ControlError as error:
            log.error("Asterisk's logs cannot be rotated", error=str(error))
    for path in paths.log.iterdir():
        match = _ROTATED.fullmatch(path.name)
        if match is not None and int(match[1]) >= OLD_LOGS:
            path.unlink(missing_ok=True)
    if _bytes(paths.console) > MOST_LOG_BYTES:
        paths.console.write_bytes(b"")


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
