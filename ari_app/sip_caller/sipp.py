"""One SIPp process: started, listened to message by message, and always stopped."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from ari_app.sip_caller.errors import SippFailedError, SippMissingError
from ari_app.sip_caller.trace import LINE_BYTES, SipMessage, parse_line

EXIT_OK = 0
EXIT_SOME_CALLS_FAILED = 1
KILL_SECONDS = 2.0
LEASH = ("setpriv", "--pdeathsig", "KILL")
"""util-linux: SIPp dies with us even if we are killed."""
KEPT_MESSAGES = 200_000
"""Messages kept of one run; older ones are dropped first."""
START_SECONDS = 5.0
_LOOK_SECONDS = 0.005
ERRORS, STDERR = "errors.log", "stderr"
_SAID_BYTES = 1000
OnMessage = Callable[[SipMessage], None]
Wanted = Callable[[SipMessage], bool]


class Sipp:
    """A running SIPp. `messages` grows while it runs."""

    def __init__(self, run: str, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.run = run
        self.messages: deque[SipMessage] = deque(maxlen=KEPT_MESSAGES)
        self._process = process
        self._folder = folder
        self._waiting: list[tuple[Wanted, asyncio.Future[SipMessage]]] = []

    async def finished(self) -> None:
        """Wait until SIPp ends by itself.

        Raises SippFailedError unless it placed its calls (refused calls are fine).
        """
        code = await self._process.wait()
        if code not in {EXIT_OK, EXIT_SOME_CALLS_FAILED} or (code and not self.messages):
            raise self._failure()

    async def first(self, wanted: Wanted) -> SipMessage:
        """The first message, past or to come, for which `wanted` holds. Raises SippFailedError if
        SIPp ends before."""
        for message in self.messages:
            if wanted(message):
                return message
        coming: asyncio.Future[SipMessage] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, coming))
        try:
            return await coming
        finally:
            self._waiting.remove((wanted, coming))

    async def bound(self, address: str, port: int) -> None:
        """Wait until SIPp listens at its port. Raises SippFailedError if it never does.

        The kernel's table is asked: SIPp gives no sign, and a trial datagram would be a call.
        """
        async with asyncio.timeout(START_SECONDS):
            while not is_bound(address, port):
                if self._process.returncode is not None:
                    raise self._failure()
                await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self, stream: asyncio.StreamReader, on_message: OnMessage | None) -> None:
        while True:
            try:
                line = await stream.readuntil()
            except asyncio.LimitOverrunError as overrun:
                await stream.readexactly(overrun.consumed)
                continue
            except asyncio.IncompleteReadError:
                return
            message = parse_line(line)
            if message is None:
                continue
            self.messages.append(message)
            for wanted, coming in self._waiting:
                if not coming.done() and wanted(message):
                    coming.set_result(message)
            if on_message is not None:
                on_message(message)

    async def _mourn(self) -> None:
        """Tell those who wait for a message that none will come."""
        await self._process.wait()
        for _, coming in self._waiting:
            if not coming.done():
                coming.set_exception(self._failure())

    def _failure(self) -> SippFailedError:
        return SippFailedError(self.run, self._process.returncode or 0, self._last_words())

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (self._folder / ERRORS, self._folder / STDERR):
            with suppress(FileNotFoundError):
                text = path.read_bytes()[-_SAID_BYTES:].decode(errors="replace")
                # 2026-01-01<tab>12:00:00.123<tab>1767268800.123: what happened
                lines += [line.rpartition("\t")[2].strip() for line in text.splitlines()]
        return "; ".join(dict.fromkeys(filter(None, lines)))[-_SAID_BYTES:]


@asynccontextmanager
async def sipp(
    run: str,
    scenario: str,
    arguments: Sequence[str | bytes | Path],
    folder: Path,
    on_message: OnMessage | None = None,
) -> AsyncIterator[Sipp]:
    """SIPp with this scenario, killed at the end of the block if it has not ended by itself.

    Its message trace comes through a pipe, so messages are known as they happen.
    Raises SippMissingError.
    """
    binary = shutil.which("sipp")
    if binary is None:
        raise SippMissingError
    script, pipe = folder / "call.xml", folder / "trace"
    script.write_text(scenario, encoding="utf-8")
    os.mkfifo(pipe, 0o600)
    stream = asyncio.StreamReader(limit=LINE_BYTES)
    reading = os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)
    with ExitStack() as opened:
        # Our own writing end keeps the pipe from ending before SIPp has opened its one.
        descriptor = os.open(pipe, os.O_WRONLY)
        writing = opened.enter_context(os.fdopen(descriptor, "wb", buffering=0))
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), reading
        )
        opened.callback(transport.close)
        process = await asyncio.create_subprocess_exec(
            *LEASH,
            binary,
            *("-sf", script, "-nostdin", "-aa", "-trace_shortmsg", "-shortmessage_file", pipe),
            *("-trace_err", "-error_file", folder / ERRORS),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=opened.enter_context((folder / STDERR).open("wb")),
            cwd=folder,
            env={"PATH": os.defpath, "TERM": "vt100", "LC_ALL": "C"},
            start_new_session=True,
        )
        child = Sipp(run, process, folder)
        listening = asyncio.create_task(child._listen(stream, on_message), name=f"sipp-{run}")
        mourning = asyncio.create_task(child._mourn(), name=f"sipp-end-{run}")
        try:
            yield child
        finally:
            await _stop(process)
            writing.close()
            await asyncio.gather(listening, mourning)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(KILL_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise


def is_bound(address: str, port: int) -> bool:
    """Whether some process listens at this UDP port."""
    # /proc/net/udp writes an address as the hexadecimal of its bytes in the host's order
    host = int.from_bytes(socket.inet_aton(address), sys.byteorder)
    return f" {host:08X}:{port:04X} " in Path("/proc/net/udp").read_text(encoding="ascii")
