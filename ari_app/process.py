"""One process of the line: what it starts, in which order, and how all of it ends.

Everything is entered with `async with`, so it ends in the reverse order, whatever happens.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ari_app.ari import Client
from ari_app.calls.journal import Journal
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.transcriptions import Transcriptions
from ari_app.calls.vault import Vault
from ari_app.ivr.tree import MenuTree
from ari_app.prompts.cache import Progress as PromptProgress
from ari_app.prompts.cache import PromptCache, Prompts, install
from ari_app.settings import Settings
from asterisk_conf import install as asterisk_install
from asterisk_conf import secrets as pbx_secrets
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from desk.calendar import Calendar, read_overrides
from desk.db.engine import Database
from desk.region import RegionTable
from stt.model import describe
from stt.transcriber import Transcriber

log = structlog.get_logger()


def utc_now() -> datetime:
    """The time that everything below is given; tests pass their own."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Running:
    """A line that serves callers."""

    settings: Settings
    asterisk: AsteriskServer | None
    line: Line
    switchboard: Switchboard
    tasks: asyncio.TaskGroup


@asynccontextmanager
async def running_line(
    settings: Settings,
    *,
    own_lifetime: bool = False,
    progress: PromptProgress | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Running]:
    """Start the whole line in this process; stop all of it at the end of the block.

    Args:
        own_lifetime: Asterisk dies with us (demo, tests); else it outlives a crash of ours.
        progress: told of prompts that are being made.
    """
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(
            await Database.open(settings.database_url, wait_seconds=settings.database.wait_seconds)
        )
        prompts = await asyncio.to_thread(
            PromptCache.prepare, settings.ivr, settings.state_dir / "prompts", progress
        )
        asterisk = await _asterisk(settings, prompts, own_lifetime, stack)
        transcriber = await stack.enter_async_context(
            Transcriber(
                describe(settings.speech).path,
                threads=settings.speech.threads,
                queue=settings.speech.queue,
            )
        )
        ari = await stack.enter_async_context(_client(settings))
        line = Line(
            settings=settings,
            ari=ari,
            db=db,
            journal=Journal(db, now),
            regions=RegionTable.load(settings.state_dir),
            menus=menus(settings),
            prompts=prompts,
            vault=Vault(settings.state_dir / "recordings"),
            transcriptions=Transcriptions(db, transcriber, now),
            now=now,
            clock=time.monotonic,
        )
        switchboard = Switchboard(line)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        work = [
            tasks.create_task(line.transcriptions.run(), name="transcriptions"),
            tasks.create_task(switchboard.run(), name="switchboard"),
        ]
        try:
            yield Running(settings, asterisk, line, switchboard, tasks)
        finally:
            for task in work:
                task.cancel()


def menus(settings: Settings) -> MenuTree:
    """The menus of these settings, with the calendar that their opening hours follow."""
    file = settings.ivr.calendar_file
    calendar = Calendar(read_overrides(file) if file else {}, settings.company.tz)
    return MenuTree.compile(
        settings.ivr, settings.pbx, zone=settings.company.tz, is_workday=calendar.is_workday
    )


async def _asterisk(
    settings: Settings, prompts: Prompts, own_lifetime: bool, stack: AsyncExitStack
) -> AsteriskServer | None:
    """Our own Asterisk, running; None where one exists already."""
    if settings.pbx.mode == "existing":
        return None
    installation = asterisk_install.find(settings.pbx.binary)
    paths = Paths.under(settings.state_dir, installation.modules_dir)
    server = AsteriskServer(
        installation,
        settings.pbx,
        pbx_secrets.load(settings.state_dir, settings.pbx),
        paths,
        own_lifetime=own_lifetime,
    )
    await asyncio.to_thread(install, prompts, paths.sounds)
    await server.start()
    stack.push_async_callback(server.stop)
    return server


def _client(settings: Settings) -> Client:
    secret = pbx_secrets.load(settings.state_dir, settings.pbx)
    return Client(
        url=f"http://127.0.0.1:{settings.pbx.http_port}/ari",
        username="huisheng",
        password=secret.ari,
        application=settings.pbx.application,
    )
