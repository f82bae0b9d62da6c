"""`Bridge`: delivers the desk's outbox to every target, in order per ticket, until closed."""

import asyncio
import logging
import os
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from crm_bridge.connectors import Connector
from crm_bridge.connectors.webhook import WebhookConnector
from crm_bridge.connectors.zammad import ZammadConnector
from crm_bridge.policy import Draw
from crm_bridge.pruning import forget_old
from crm_bridge.secret import secret_of, zammad_token
from crm_bridge.settings import BridgeSettings, Target, ZammadTarget
from crm_bridge.worker import Clock, TargetStatus, TargetWorker
from desk import outbox
from desk.db.engine import Database

log = logging.getLogger(__name__)
GRACE_SECONDS = 2.0
"""How long `aclose` lets pushes under way end by themselves."""


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Bridge:
    """One worker per target; one target's trouble is not another's.

        async with Bridge.of(settings.bridge, db, settings.state_dir):
            ...

    A target that is new begins with what happens from now on.
    """

    def __init__(
        self,
        db: Database,
        settings: BridgeSettings,
        connectors: Mapping[str, Connector],
        *,
        clock: Clock = utc_now,
        draw: Draw = random.random,
    ) -> None:
        """Args:
        connectors: by the target's name; closed by `aclose`.
        clock, draw: time and chance, for tests.
        """
        self._db = db
        self._settings = settings
        self._connectors = dict(connectors)
        self._clock = clock
        self._draw = draw
        self._workers: list[TargetWorker] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._pruning: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls,
        settings: BridgeSettings,
        db: Database,
        state_dir: Path,
        environ: Mapping[str, str] = os.environ,
        agents: Mapping[str, str] | None = None,
        *,
        sends: bool = True,
    ) -> Self:
        """The bridge that config.yaml describes, not started yet.

        Args:
            agents: the agents' names by extension, for targets that show them.
            sends: False: nothing is sent, and what happens waits for its targets until the next
                start with True.

        Raises:
            SecretError: a target's secret cannot be used.
        """
        connectors = {
            target.name: connect(target, settings, db, state_dir, environ, agents or {})
            for target in settings.targets
            if sends
        }
        return cls(db, settings, connectors)

    async def start(self) -> None:
        """Begin to deliver. From its return on, nothing that happens escapes a new target.

        Raises:
            DatabaseError: the database cannot be written.
        """
        wanted = self._settings.wanted
        known = list({**wanted, **self._connectors})
        await self._db.write(lambda db: outbox.fan_out(db, known, self._clock(), kinds=wanted))
        for name, connector in self._connectors.items():
            worker = TargetWorker(
                self._db,
                name,
                connector,
                self._settings,
                self._clock,
                self._draw,
                wanted.get(name, outbox.EVERYTHING),
            )
            task = asyncio.create_task(worker.run(), name=f"bridge-{name}")
            task.add_done_callback(_tell_failure)
            self._workers.append(worker)
            self._tasks.append(task)
        self._pruning = asyncio.create_task(
            forget_old(self._db, self._settings.keep_days, self._clock), name="bridge-pruning"
        )
        self._pruning.add_done_callback(_tell_failure)

    async def aclose(self) -> None:
        """End pushes under way, or cut them off after `GRACE_SECONDS`; record what they came to;
        give connections back. Closing twice is harmless."""
        tasks, self._tasks = self._tasks, []
        pruning, self._pruning = self._pruning, None
        try:
            if pruning is not None:
                pruning.cancel()
                await asyncio.gather(pruning, return_exceptions=True)
            for worker in self._workers:
                worker.stop()
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE_SECONDS)
                for worker in self._workers:
                    worker.abandon()
                await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for connector in self._connectors.values():
                await connector.aclose()

    def status(self) -> list[TargetStatus]:
        """How each target is doing."""
        return [worker.status for worker in self._workers]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def connect(
    target: Target,
    settings: BridgeSettings,
    db: Database,
    state_dir: Path,
    environ: Mapping[str, str],
    agents: Mapping[str, str],
) -> Connector:
    """The connector of a target, by its kind."""
    if isinstance(target, ZammadTarget):
        token = zammad_token(target.name, environ)
        return ZammadConnector(target, token, db, agents, settings.in_flight)
    secret = secret_of(target.name, state_dir, environ)
    return WebhookConnector(target, secret, settings.in_flight)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended: %s; restart to deliver again", task.get_name(), error, exc_info=error)
