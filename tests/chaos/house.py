"""The house under test: a real Asterisk, `huisheng run` as a process, and hands to break both."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from ari_app.settings import Settings, load
from asterisk_conf import secrets
from asterisk_conf.errors import ControlError
from asterisk_conf.install import Installation
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from desk import tokens
from desk.db.engine import Database
from tests.chaos.priority import own_sipps, raise_priority
from tests.chaos.recogniser import Recogniser, recogniser
from tests.chaos.site import TARGET, write_config
from tests.crm_bridge.receiver import SECRET, Receiver
from tests.rig import ports
from tests.rig.huisheng import Process


@dataclass
class House:
    """One line's folder with everything that serves it."""

    config: Path
    settings: Settings
    asterisk: AsteriskServer
    crm: Receiver
    ears: Recogniser
    client: httpx.AsyncClient
    said: Path
    process: Process = field(init=False)
    calling: list[asyncio.Task[None]] = field(default_factory=list)
    invited: set[str] = field(default_factory=set)  # every number that ever called

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.settings.pbx.sip.port}"

    @property
    def number(self) -> str:
        return self.settings.pbx.line_numbers[0]

    # -- the application ---------------------------------------------------------------------------

    async def launch(self) -> None:
        """Begin to start the application; it is not ready yet."""
        secret = {f"HUISHENG_WEBHOOK_{TARGET.upper()}_SECRET": SECRET}
        self.process = await Process.launch(self.config, self.said, "--json-logs", environ=secret)

    async def ready(self) -> None:
        """Wait until the application says that it serves calls."""
        await self.process.serves(self.client)

    async def start(self) -> None:
        await self.launch()
        await self.ready()

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        await self.process.kill()

    def freeze(self) -> None:
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send(signal.SIGCONT)

    @property
    def runs(self) -> bool:
        return self.process.runs

    def last_words(self) -> str:
        return self.said.read_text(errors="replace")[-3000:]

    # -- Asterisk ----------------------------------------------------------------------------------

    def kill_asterisk(self) -> None:
        pid = int(self.asterisk.paths.pid_file.read_text())
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)

    async def start_asterisk(self) -> None:
        await self.asterisk.start()
        self.hurry()

    def hurry(self) -> None:
        """Let sound go before everything else on this machine."""
        with contextlib.suppress(OSError, ValueError):
            raise_priority(int(self.asterisk.paths.pid_file.read_text()))
        for pid in own_sipps():
            raise_priority(pid)

    async def asterisk_holds(self) -> dict[str, Any]:
        """Channels and bridges that Asterisk has, by its console and by ARI; empty: none."""
        left: dict[str, Any] = {}
        try:
            channels = await self.asterisk.cli("core show channels count")
        except ControlError as error:
            return {"asterisk": str(error)}
        if not channels.startswith("0 active channels"):
            left["core show channels"] = await self.asterisk.cli("core show channels concise")
        for what in ("channels", "bridges"):
            answer = await self.client.get(
                f"{self.asterisk.ari_url}/{what}",
                auth=("huisheng", self.asterisk.secrets.ari),
            )
            if answer.json():
                left[what] = answer.json()
        return left

    # -- the API -----------------------------------------------------------------------------------

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1/{path}")
        answer.raise_for_status()
        return answer.json()

    async def order(
        self, path: str, body: Mapping[str, Any] | None = None, method: str = "POST"
    ) -> bool:
        """Have something done; whether it was (a call that is over cannot be ordered about)."""
        answer = await self.client.request(method, f"/api/v1/{path}", json=body)
        if answer.status_code in (404, 409, 504):
            return False
        answer.raise_for_status()
        return True


@asynccontextmanager
async def house(folder: Path, installation: Installation) -> AsyncIterator[House]:
    """A house whose application and Asterisk run; nothing of it outlives the block."""
    async with AsyncExitStack() as stack:
        crm = await stack.enter_async_context(Receiver(port=ports.free_port()))
        elsewhere = ports.free_port()
        config = write_config(folder, crm.url, elsewhere)
        ports.keep()
        settings = load(config)
        ears = stack.enter_context(recogniser(elsewhere))
        asterisk = AsteriskServer(
            installation,
            settings.pbx,
            secrets.load(settings.state_dir, settings.pbx),
            Paths.under(settings.state_dir, installation.modules_dir),
        )
        async with await Database.open(settings.database_url) as db:
            scopes = list(tokens.SCOPES)
            _, secret = await db.write(tokens.create, "chaos", scopes, datetime.now(UTC))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{settings.api.port}",
                headers={"Authorization": f"Bearer {secret}"},
                timeout=15,
                trust_env=False,
            )
        )
        one = House(config, settings, asterisk, crm, ears, client, folder / "said")
        await one.launch()
        stack.push_async_callback(_end, one)
        await one.ready()
        await one.start_asterisk()  # adopts the one that the application has started
        yield one


async def _end(one: House) -> None:
    if one.runs:
        one.thaw()
    await one.kill()
    with contextlib.suppress(OSError, ValueError):
        one.kill_asterisk()
