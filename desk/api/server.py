"""Serving the API with uvicorn inside a running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from desk.api.state import ApiState
from desk.errors import DeskError

CLOSE_SECONDS = 5


class PortTaken(DeskError):  # noqa: N818
    """Somebody else listens there."""

    error_id = "port-taken"


class _Server(uvicorn.Server):
    """Leaves signals to the process that we are a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ApiServer:
    """`async with ApiServer(app) as server:` serves at `server.url` until the block ends."""

    def __init__(self, app: FastAPI) -> None:
        """`app` is from `create_app`; its settings say where to listen (port 0: any free one)."""
        self._desk: ApiState = app.state.desk
        settings = self._desk.settings
        self._host, self._port = settings.host, settings.port
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                # At "info" uvicorn tells of its own start and end, which are the line's to tell.
                log_level="warning" if settings.log_level == "info" else settings.log_level,
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=CLOSE_SECONDS,
                proxy_headers=False,  # who is on this machine must not be a client's word
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where it answers, like `http://127.0.0.1:8280`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            PortTaken: somebody else does already.
        """
        self._socket = self._bind()
        self._port = self._socket.getsockname()[1]
        self._serving = asyncio.create_task(
            self._server.serve(sockets=[self._socket]), name="huisheng-api"
        )
        while not self._server.started:
            done, _ = await asyncio.wait({self._serving}, timeout=0.01)
            if done:
                self._socket.close()
                self._serving.result()
                raise DeskError("the API did not start; the log says why")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the event streams, finish requests under way, stop."""
        self._desk.feed.close()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        if self._socket is not None:
            self._socket.close()

    async def wait(self) -> None:
        """Until the server ends, which it does by itself only if it fails."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # asyncio turns Nagle's delay off only where the protocol is named.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self._host, self._port))
        except OSError as error:
            listening.close()
            raise PortTaken(
                f"cannot listen on {self._host} port {self._port} ({error.strerror}); stop the "
                "other program, or change api.host or api.port in config.yaml"
            ) from error
        return listening
