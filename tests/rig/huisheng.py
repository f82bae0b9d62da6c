"""`huisheng run` as a process of its own, as an operator has it. What it says goes to a file."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

HUISHENG = Path(sys.executable).with_name("huisheng")
SECONDS = 60.0
LOOK_SECONDS = 0.05


@dataclass
class Process:
    """One `huisheng run`."""

    child: asyncio.subprocess.Process
    said: Path

    @classmethod
    async def launch(
        cls, config: Path, said: Path, *words: str, environ: Mapping[str, str] | None = None
    ) -> "Process":
        """Begin to start it; it is not ready yet. A test run that is killed takes it with it.

        `words`: options; `environ`: variables besides ours; what it says is added to `said`.
        """
        with said.open("ab") as out:
            child = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL"),
                *(HUISHENG, "run", "-c", config, *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(environ or {})},
            )
        return cls(child, said)

    @property
    def words(self) -> str:
        """Everything it has said."""
        return self.said.read_text(errors="replace")

    @property
    def errors(self) -> list[str]:
        """What it tells its operator in the end."""
        return [line for line in self.words.splitlines() if line.startswith("✗")]

    @property
    def runs(self) -> bool:
        return self.child.returncode is None

    async def serves(self, client: httpx.AsyncClient, seconds: float = SECONDS) -> None:
        """Wait until it says that it serves calls."""
        last = time.monotonic() + seconds
        while not await is_ready(client):
            assert self.runs, self.words[-3000:]
            assert time.monotonic() < last, self.words[-3000:]
            await asyncio.sleep(LOOK_SECONDS)

    def send(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.runs:
            self.child.kill()
            await self.child.wait()

    async def ended(self, seconds: float = SECONDS) -> int:
        """Wait for its end: the exit code."""
        try:
            return await asyncio.wait_for(self.child.wait(), seconds)
        except TimeoutError:
            raise AssertionError(self.words) from None


async def is_ready(client: httpx.AsyncClient) -> bool:
    """Whether the line that `client` asks says so of itself."""
    try:
        return bool((await client.get("/readyz")).json()["ready"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False
