"""Starting, asking and stopping an Asterisk of our own.

Asterisk outlives this process unless told otherwise: a call is never dropped because the
application died. The next `start` finds the running Asterisk by its control socket and adopts it.
"""

import asyncio
import os
import resource
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from asterisk_conf import control
from asterisk_conf.errors import ControlError, StartError
from asterisk_conf.folders import prepare
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.process import ProcessHandle
from asterisk_conf.render import render, write
from asterisk_conf.secrets import Secrets
from asterisk_conf.settings import PbxSettings

# Files that Asterisk reads when it starts and never again.
RESTART_FILES = frozenset(
    {"asterisk.conf", "modules.conf", "rtp.conf", "pjproject.conf", "pjsip_transport.conf"}
)
# What a silent start prints: anything else on the console is a complaint.
_HARMLESS = ("Setting max files open to ", "PBX UUID: ")
_MOST_FILES = 20_000  # about 6 per call leg
_POLL_SECONDS = 0.02
_TAIL_LINES = 12
_KILL_SECONDS = 5


class AsteriskServer:
    """One Asterisk, described by settings, living in `paths`.

    Attributes:
        adopted: it ran already when `start` was called.
        wanted: it was started and not stopped since; if it does not run, it has died.
        restart_needed: changed files that an adopted Asterisk takes up at its next start only.
    """

    def __init__(
        self,
        installation: Installation,
        pbx: PbxSettings,
        secrets: Secrets,
        paths: Paths,
        *,
        own_lifetime: bool = False,
    ) -> None:
        """Args:
        own_lifetime: kill Asterisk when the thread that calls `start` ends, so at the latest
            when this process dies, however it dies (for tests and trials; a production line
            wants its calls to live on).
        """
        self.installation = installation
        self.pbx = pbx
        self.secrets = secrets
        self.paths = paths
        self.adopted = False
        self.wanted = False
        self.restart_needed: tuple[str, ...] = ()
        self._own_lifetime = own_lifetime
        self._process: ProcessHandle | None = None
        self._log_start = 0

    @property
    def ari_url(self) -> str:
        """Base URL of ARI, without a slash at the end."""
        return f"http://127.0.0.1:{self.pbx.http_port}/ari"

    @property
    def pid(self) -> int | None:
        """Process id of the running Asterisk; None before `start` and after `stop`."""
        return self._process.pid if self._process is not None else None

    async def start(self, *, deadline: float = 30) -> None:
        """Write the configuration and start Asterisk. Returns when it is fully booted.

        An Asterisk that runs in these paths already is adopted with its calls and told to reload;
        if files changed that need a fresh start, it is started anew, unless it has calls.

        Raises:
            ConfValueError: the settings do not fit into a configuration.
            StartError: a port is taken, or Asterisk ended or did not get ready in time.
        """
        files = render(self.pbx, self.secrets, self.paths, max_files=file_limit())
        await asyncio.to_thread(prepare, self.paths, self.installation)
        write(files, self.paths.etc)
        self._log_start = _size(self.paths.messages_log)
        if self._process is not None and not self._process.alive():
            self._process.close()  # an Asterisk of ours that ended by itself
            self._process = None
        if await self._adopt():
            self.wanted = True
            return
        self._check_ports()
        self._spawn()
        try:
            async with asyncio.timeout(deadline):
                await self._booted()
        except TimeoutError as error:
            await self._end(deadline=1)
            raise StartError(self._said(f"Asterisk is not ready after {deadline:g} s")) from error
        except BaseException:
            await self._end(deadline=1)
            raise
        self.wanted = True

    async def stop(self, *, deadline: float = 10) -> None:
        """End Asterisk and every call on it; kill it if it is not gone after `deadline` seconds.
        Does nothing if none runs."""
        self.wanted = False
        await self._end(deadline)

    async def ended(self, deadline: float) -> bool:
        """Wait until Asterisk has ended, at most `deadline` seconds; whether it has, or none was
        started."""
        return self._process is None or await self._process.gone(deadline)

    async def _end(self, deadline: float) -> None:
        process = self._process
        if process is None:
            return
        try:
            await self.cli("core stop now", deadline=min(2.0, deadline))
        except ControlError:
            process.send(signal.SIGTERM)
        if not await process.gone(deadline):
            process.send(signal.SIGKILL)
            await process.gone(_KILL_SECONDS)
        process.close()
        self._process, self.adopted = None, False
        if not self.paths.run.is_relative_to(self.paths.home):
            shutil.rmtree(self.paths.run, ignore_errors=True)  # a short folder made for the socket

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.alive()

    async def cli(self, command: str, *, deadline: float = 10) -> str:
        """What the CLI command prints, e.g. `cli("core show channels count")`.

        Raises:
            ControlError: Asterisk does not answer.
        """
        return await control.command(self.paths.control_socket, command, deadline=deadline)

    async def reload(self) -> None:
        """Take up changed files without touching calls (all but `RESTART_FILES`).

        Raises:
            ControlError: Asterisk does not answer.
        """
        await self.cli("core reload")

    def complaints(self) -> list[str]:
        """Warnings and errors since `start`, from the log and the console (standard output and
        error), oldest first in each."""
        log = _lines(self.paths.messages_log, self._log_start)
        console = [] if self.adopted else _lines(self.paths.console, 0)
        return [line for line in log if "WARNING" in line or "ERROR" in line] + [
            line for line in console if not line.startswith(_HARMLESS)
        ]

    async def _adopt(self) -> bool:
        """Take over an Asterisk that runs here; False if none does, or it had to be ended."""
        try:
            self._process = ProcessHandle(await control.pid(self.paths.control_socket))
        except (ControlError, ProcessLookupError):
            return False
        self.adopted = True
        self.restart_needed = awaiting_restart(self.paths)
        if self.restart_needed:
            channels = await self.cli("core show channels count")
            if channels.startswith("0 active channels"):
                await self._end(deadline=10)
                self.restart_needed = ()
                return False
        await self.reload()
        return True

    def _check_ports(self) -> None:
        wanted = (
            ("pbx.sip.port", socket.SOCK_DGRAM, str(self.pbx.sip.bind), self.pbx.sip.port),
            ("pbx.http_port", socket.SOCK_STREAM, "127.0.0.1", self.pbx.http_port),
            ("pbx.ami_port", socket.SOCK_STREAM, "127.0.0.1", self.pbx.ami_port),
        )
        for setting, kind, address, port in wanted:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    raise StartError(
                        f"{address} port {port} cannot be used ({error.strerror}); "
                        f"end the program that has it, or change {setting}"
                    ) from error

    def _spawn(self) -> None:
        # setpriv (util-linux) sets PR_SET_PDEATHSIG between fork and exec, where Python may not
        # safely run code of its own once there are threads.
        leash = ("setpriv", "--pdeathsig", "KILL") if self._own_lifetime else ()
        argv = [*leash, *self.installation.argv_prefix, "-f", "-C", str(self.paths.main_file)]
        # A file, not a pipe: nobody may have to read for Asterisk to go on.
        self.paths.console.write_bytes(b"")
        with self.paths.console.open("ab") as console:  # so that it can be emptied beside it
            try:
                child = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    cwd=self.paths.home,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C in our terminal is for us, not for calls
                )
            except OSError as error:
                raise StartError(f"{argv[0]}: cannot be run ({error.strerror})") from error
        self._process = ProcessHandle(child.pid)
        child.returncode = 0  # the handle waits for it; Popen must not

    async def _booted(self) -> None:
        while True:
            if not self.running():
                raise StartError(self._said("Asterisk ended while it was starting"))
            try:
                answer = await self.cli("core waitfullybooted", deadline=60)
            except ControlError:
                answer = ""  # the socket is not there yet
            if "fully booted" in answer:
                return
            await asyncio.sleep(_POLL_SECONDS)

    def _said(self, what: str) -> str:
        lines = self.complaints()[-_TAIL_LINES:]
        return "\n  ".join([f"{what}; see {self.paths.log}. It said:", *(lines or ["nothing"])])


def _environment() -> dict[str, str]:
    """Ours without our own secrets, and without what would disturb a foreign dynamic loader."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUISHENG_", "LD_"))
    }


def awaiting_restart(paths: Paths) -> tuple[str, ...]:
    """Files that changed since the running Asterisk started and that it reads at a start only."""
    try:
        started = paths.pid_file.stat().st_mtime
    except FileNotFoundError:
        return ()
    return tuple(sorted(name for name in RESTART_FILES if _modified(paths.etc / name) > started))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def file_limit() -> int:
    """How many files an Asterisk started by us may open, without asking for more than allowed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _lines(path: Path, start: int) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(start if start <= file.seek(0, os.SEEK_END) else 0)  # it was rotated
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
