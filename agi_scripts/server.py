"""The FastAGI server: takes connections from Asterisk only, bounds each in size and time, and runs
the script that it asks for. Whatever one connection does, the others are served."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Self

import structlog

from agi_scripts.counters import Counters, Outcome
from agi_scripts.protocol import AgiError, BadReply, BadRequest, Request, harmless
from agi_scripts.script import Script, Services
from agi_scripts.session import Disconnected, Session, read_request
from agi_scripts.settings import AgiSettings
from desk.errors import DeskError

log = structlog.get_logger()

CLOSE_SECONDS = 1.0  # for the last bytes to leave; then the connection is cut
RECOVERY_SECONDS = 10.0  # between looks at what a former process left
_BACKLOG = 128


class AgiServer:
    """A FastAGI server. `start` and `aclose` undo each other; or use `async with`.

    Attributes:
        counters: what happened so far.
    """

    def __init__(
        self, settings: AgiSettings, scripts: Mapping[str, Script], services: Services
    ) -> None:
        self.counters = Counters()
        self._settings = settings
        self._scripts = scripts
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._server: asyncio.Server | None = None
        self._closing = False

    async def start(self, port: int) -> None:
        """Listen.

        Args:
            port: TCP port; 0 takes a free one, see `port`.

        Raises:
            OSError: the address or port cannot be used.
        """
        self._closing = False
        self._server = await asyncio.start_server(
            self._connected,
            str(self._settings.host),
            port,
            limit=self._settings.header_bytes,
            backlog=_BACKLOG,
        )
        self._own(asyncio.create_task(self._recover(self._services.now()), name="agi-recovery"))

    @property
    def port(self) -> int:
        """The port on which it listens."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def aclose(self) -> None:
        """Stop listening, end every connection, wait until all is gone. Harmless when repeated."""
        self._closing = True
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._allowed(writer):
            self.counters.add("not_allowed")
            self._tell("agi connection from an address that is not allowed", writer)
            writer.transport.abort()
        elif self._closing or self.counters.open >= self._settings.connections:
            self.counters.add("refused")
            self._tell("agi connection refused: too many are open", writer)
            writer.transport.abort()
        else:
            self.counters.open += 1
            name = f"agi-{next(self._numbers)}"
            self._own(asyncio.create_task(self._serve(reader, writer), name=name))

    def _allowed(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        if peer is None:  # gone already
            return False
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        return any(address in network for network in self._settings.allow)

    def _tell(self, what: str, writer: asyncio.StreamWriter) -> None:
        """Log a refusal, ever more rarely: a flood must not fill the disk."""
        times = self.counters.not_allowed + self.counters.refused
        if times & (times - 1) == 0:
            log.warning(what, peer=writer.get_extra_info("peername"), refused_so_far=times)

    def _own(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.counters.add(await self._converse(reader, writer))
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    writer.close()
                    await writer.wait_closed()
        finally:
            self.counters.open -= 1
            writer.transport.abort()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Outcome:
        """From the first byte to the script's end, whatever the other side does."""
        told = {"script": "", "call": ""}
        try:
            async with asyncio.timeout(self._settings.header_seconds):
                request = await read_request(reader, self._settings.header_bytes)
            told = {"script": request.script, "call": harmless(request.call_id)}
            script = self._script(request)
            seconds = self._settings.script_seconds + script.waits(self._services)
            async with asyncio.timeout(seconds):
                return await self._run(script, Session(request, reader, writer), told)
        except BadRequest as error:
            log.warning("agi request refused", reason=str(error), **told)
            return "bad_request"
        except TimeoutError:
            log.warning("agi connection too slow", **told)
            return "timed_out"
        except (Disconnected, ConnectionError):
            log.info("agi connection closed by asterisk", **told)
            return "disconnected"
        except AgiError as error:
            log.warning("agi script failed", reason=str(error), **told)
            return "failed"

    def _script(self, request: Request) -> Script:
        script = self._scripts.get(request.script)
        if script is None:
            known = ", ".join(sorted(self._scripts))
            raise BadRequest(f"no script {request.script!r}; there are {known}")
        return script

    async def _run(self, script: Script, session: Session, told: dict[str, str]) -> Outcome:
        """Run a script; a failure that leaves the conversation intact is told to the dialplan."""
        try:
            await script.run(session, self._services)
        except (Disconnected, BadReply, ConnectionError):
            raise
        except (AgiError, DeskError, OSError) as error:
            log.warning("agi script failed", reason=f"{type(error).__name__}: {error}", **told)
        except Exception:  # a fault of ours ends one script, and shows in the log
            log.exception("agi script failed", **told)
        else:
            return "served"
        await session.set_variables({"HS_RESULT": "ERROR"})
        return "failed"

    async def _recover(self, before: datetime) -> None:
        """Finish what a former process left, as soon as it can be."""
        waiting = [script for script in self._scripts.values() if script.recover is not None]
        while waiting:
            waiting = [script for script in waiting if not await self._recovered(script, before)]
            if waiting:
                await asyncio.sleep(RECOVERY_SECONDS)

    async def _recovered(self, script: Script, before: datetime) -> bool:
        try:
            return script.recover is None or await script.recover(self._services, before)
        except (DeskError, OSError) as error:
            log.warning("agi recovery failed; it is tried again", reason=str(error))
            return False
