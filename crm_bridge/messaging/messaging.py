"""`Messaging`: sends what the desk wrote to customers, by both channels, until closed."""

import asyncio
import logging
import os
import random
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from crm_bridge.delivery import utc_now
from crm_bridge.messaging.file import FileProvider
from crm_bridge.messaging.provider import Provider
from crm_bridge.messaging.sender import Sender
from crm_bridge.messaging.settings import MessagingSettings, SmtpSettings
from crm_bridge.messaging.smtp import SmtpProvider
from crm_bridge.policy import Draw
from crm_bridge.worker import Clock
from desk.db.engine import Database
from desk.messages import Channel, MessageSettings

log = logging.getLogger(__name__)
FOLDER = "messages"
PASSWORD = "HUISHENG_SMTP_PASSWORD"  # noqa: S105 - the variable's name
GRACE_SECONDS = 5.0
"""How long `aclose` lets attempts under way end by themselves."""


class Messaging:
    """A sender for each channel.

    async with Messaging(db, providers_of(…), settings.messages, tz):
        ...
    """

    def __init__(
        self,
        db: Database,
        providers: Mapping[Channel, Provider],
        settings: MessageSettings,
        tz: tzinfo,
        *,
        in_flight: int = 8,
        clock: Clock = utc_now,
        draw: Draw = random.random,
    ) -> None:
        """Args:
        providers: closed by `aclose`.
        tz: in which quiet hours and days are meant.
        clock, draw: time and chance, for tests.
        """
        self._providers = dict(providers)
        self._senders = [
            Sender(db, channel, provider, settings, tz, clock, in_flight=in_flight, draw=draw)
            for channel, provider in self._providers.items()
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send."""
        for sender in self._senders:
            task = asyncio.create_task(sender.run(), name=f"messages-{sender.channel}")
            task.add_done_callback(_tell_failure)
            self._tasks.append(task)

    async def aclose(self) -> None:
        """End attempts under way, or cut them off after `GRACE_SECONDS`. Twice is harmless."""
        tasks, self._tasks = self._tasks, []
        try:
            for sender in self._senders:
                sender.stop()
            if tasks:
                await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for provider in self._providers.values():
                await provider.aclose()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def providers_of(
    settings: MessagingSettings, state_dir: Path, environ: Mapping[str, str] = os.environ
) -> dict[Channel, Provider]:
    """The providers that config.yaml describes."""
    files = FileProvider(state_dir / FOLDER)
    email: Provider = files
    if isinstance(settings.email, SmtpSettings):
        email = SmtpProvider(settings.email, environ.get(PASSWORD, ""))
    return {Channel.SMS: files, Channel.EMAIL: email}


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended: %s; restart to send again", task.get_name(), error, exc_info=error)
