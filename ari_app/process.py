"""One process of the line: what it starts, in which order, and how all of it ends.

Everything is entered with `async with`, so it ends in the reverse order, whatever happens.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from agi_scripts.script import Services
from agi_scripts.scripts import SCRIPTS
from agi_scripts.server import AgiServer
from ari_app.ari import Client
from ari_app.calls.agent_records import restored_queue
from ari_app.calls.controls import Controls
from ari_app.calls.hearing import Hearing
from ari_app.calls.journal import Journal
from ari_app.calls.journal.spool import Spool
from ari_app.calls.line import Line
from ari_app.calls.switchboard import Switchboard
from ari_app.calls.system import is_own
from ari_app.calls.transcriptions import Transcriptions
from ari_app.calls.vault import Vault
from ari_app.errands import Errands
from ari_app.ivr.compiled import compile_menus
from ari_app.ivr.reload import MenuReload, Menus
from ari_app.metrics import LineMetrics
from ari_app.ownership import sole_name, sole_owner, take_over
from ari_app.periodic import Periodic
from ari_app.prompts.cache import PromptCache, Prompts, install
from ari_app.settings import Settings
from ari_app.status import Status
from ari_app.survey_policy import survey_policy
from asterisk_conf import install as asterisk_install
from asterisk_conf import secrets as pbx_secrets
from asterisk_conf.paths import Paths
from asterisk_conf.server import AsteriskServer
from crm_bridge.delivery import Bridge
from crm_bridge.demo_crm import TARGET_NAME, DemoCrm
from crm_bridge.messaging.messaging import Messaging, providers_of
from crm_bridge.secret import secret_of
from desk.api import ApiServer, create_app
from desk.api.feed import Feed
from desk.api.public import PublicPages
from desk.db.engine import Database
from desk.messages import Templates
from desk.recordings import Store, keys_for
from desk.region import RegionTable
from desk.rollout import Switch
from desk.teamwork.shelf import Shelf

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
    errands: Errands
    url: str  # of the API and the status page


@asynccontextmanager
async def running_line(
    settings: Settings,
    *,
    config: Path | None = None,
    own_lifetime: bool = False,
    now: Callable[[], datetime] = utc_now,
    registry: CollectorRegistry | None = None,
    take_over_seconds: float | None = None,
) -> AsyncIterator[Running]:
    """Start the whole line in this process; stop all of it at the end of the block.

    Args:
        config: the file that `settings` came from, to be watched for new menus and prompts; see
            `ari_app.beginning` for what stands beside it.
        own_lifetime: Asterisk dies with us (demo, tests); else it outlives a crash of ours.
        take_over_seconds: a process that serves this line is asked to leave it to us within so
            many seconds, once all that takes long is done; None: it is in our way.
    """
    async with AsyncExitStack() as stack:
        if take_over_seconds is None:
            stack.enter_context(sole_owner(settings.state_dir))
        hearing = await Hearing.open(settings.speech, stack)
        if take_over_seconds is not None:
            await asyncio.to_thread(take_over, settings.state_dir, take_over_seconds)
            stack.enter_context(sole_owner(settings.state_dir))
        db = await stack.enter_async_context(
            await Database.open(settings.database_url, wait_seconds=settings.database.wait_seconds)
        )
        await stack.enter_async_context(sole_name(settings))
        prompts = await asyncio.to_thread(
            PromptCache.prepare, settings.ivr, settings.state_dir / "prompts"
        )
        serving = asyncio.Event()
        asterisk = await _asterisk(settings, prompts, own_lifetime, serving, stack)
        ari = await stack.enter_async_context(_client(settings))
        journal = await _journal(settings, db, now, stack)
        feed = Feed(db, settings.api.stream_clients)
        store = Store(
            settings.state_dir / "recordings",
            keys_for(settings.recording.encrypt),
            encrypt=settings.recording.encrypt,
        )
        shelf = Shelf(
            settings.state_dir / "attachments",
            settings.attachments,
            keys_for(settings.recording.encrypt),
            encrypt=settings.recording.encrypt,
        )
        line = Line(
            settings=settings,
            ari=ari,
            db=db,
            journal=journal,
            regions=RegionTable.load(settings.state_dir),
            menus=compile_menus(settings),
            prompts=prompts,
            vault=Vault(store),
            transcriptions=Transcriptions(
                db, hearing, store, now, partial(is_own, system_name=settings.pbx.system_name)
            ),
            queue=await restored_queue(settings, db, journal, feed.publish, now),
            hearing=hearing,
            now=now,
            clock=time.monotonic,
            publish=feed.publish,
        )
        stack.callback(line.queue.close)
        switchboard = Switchboard(line)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        bridge = await _bridge(settings, db, stack)
        await stack.enter_async_context(_messaging(settings, db, now))
        status = Status(line, switchboard, bridge, asterisk)
        if registry is not None:
            figures = LineMetrics(line, switchboard)
            registry.register(figures)
            stack.callback(registry.unregister, figures)
        web = create_app(
            db,
            settings=settings.api,
            line=status,
            control=Controls(line, switchboard.call),
            feed=feed,
            recordings=store,
            attachments=shelf,
            registry=registry,
            messages=Templates(settings.messages, settings.company.name),
            outbound=settings.outbound,
            public_pages=PublicPages(survey_policy(settings), settings.company.name),
            now=now,
            timezone=settings.company.tz,
        )
        api = await stack.enter_async_context(ApiServer(web))
        agi = await stack.enter_async_context(AgiServer(settings.agi, SCRIPTS, _services(line)))
        await agi.start(settings.pbx.agi_port)
        if config is not None:
            await _watch_menus(config, line, asterisk, stack)
        await stack.enter_async_context(Periodic(line, shelf))
        errands = Errands(line, switchboard, asterisk, config)
        work = [
            tasks.create_task(line.transcriptions.run(), name="transcriptions"),
            tasks.create_task(switchboard.run(errands.noted), name="switchboard"),
            *(tasks.create_task(w, name=name) for name, w in errands.works()),
        ]
        try:
            serving.set()
            yield Running(settings, asterisk, line, switchboard, errands, api.url)
        finally:
            for task in work:
                task.cancel()


async def _journal(
    settings: Settings, db: Database, now: Callable[[], datetime], stack: AsyncExitStack
) -> Journal:
    """The journal, with everything in the desk that a former process could not tell it."""
    spool = await Spool.open(settings.state_dir / "spool" / "journal")
    journal = await stack.enter_async_context(Journal(db, now, spool))
    await journal.replay()
    return journal


async def _asterisk(
    settings: Settings,
    prompts: Prompts,
    own_lifetime: bool,
    serving: asyncio.Event,
    stack: AsyncExitStack,
) -> AsteriskServer | None:
    """Our own Asterisk, running; None where one exists already.

    It is stopped with the line, but not by a fault of ours while the line is `serving`: then its
    dialplan serves the callers alone, until we are back and adopt it.
    """
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

    async def stop(
        _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        if error is None or own_lifetime or not serving.is_set():
            await server.stop()
        else:
            log.warning("Asterisk is left running; until the next start its dialplan serves alone")

    stack.push_async_exit(stop)
    return server


async def _bridge(settings: Settings, db: Database, stack: AsyncExitStack) -> Bridge:
    """The CRM bridge, and the demo CRM where it is one of its targets."""
    port = settings.bridge.demo_crm_port
    if port and any(target.name == TARGET_NAME for target in settings.bridge.targets):
        secret = secret_of(TARGET_NAME, settings.state_dir, os.environ)
        await stack.enter_async_context(DemoCrm(secret, port))
    return await stack.enter_async_context(
        Bridge.of(
            settings.bridge,
            db,
            settings.state_dir,
            agents={agent.extension: agent.name for agent in settings.pbx.agents},
            sends=settings.rollout.on(Switch.DATA_CRM),
        )
    )


def _messaging(settings: Settings, db: Database, now: Callable[[], datetime]) -> Messaging:
    """What carries messages to customers."""
    carriers = settings.bridge.messaging
    return Messaging(
        db,
        providers_of(carriers, settings.state_dir),
        settings.messages,
        settings.company.tz,
        in_flight=carriers.in_flight,
        clock=now,
    )


async def _watch_menus(
    config: Path, line: Line, asterisk: AsteriskServer | None, stack: AsyncExitStack
) -> None:
    """New menus and prompts for calls that begin after a change of the file."""

    def apply(menus: Menus) -> None:
        line.menus, line.prompts = menus.tree, menus.prompts

    reload = MenuReload(
        config,
        Menus(line.settings, line.menus, line.prompts),
        line.settings.state_dir / "prompts",
        apply,
        sounds_dir=asterisk.paths.sounds if asterisk is not None else None,
    )
    await reload.start()
    stack.push_async_callback(reload.aclose)


def _services(line: Line) -> Services:
    """What the FastAGI scripts work with."""
    settings = line.settings
    return Services(
        db=line.db,
        now=line.now,
        recordings=line.vault.folder,
        home_area_code=settings.company.home_area_code,
        table=line.regions,
        message_seconds=settings.speech.message_seconds,
        silence_seconds=settings.speech.silence_seconds,
        ticket_types=settings.tickets.types,
        timezone=settings.company.tz,
    )


def _client(settings: Settings) -> Client:
    secret = pbx_secrets.load(settings.state_dir, settings.pbx)
    return Client(
        url=f"http://127.0.0.1:{settings.pbx.http_port}/ari",
        username="huisheng",
        password=secret.ari,
        application=settings.pbx.application,
    )
