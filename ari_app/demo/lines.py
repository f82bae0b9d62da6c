"""The line that the demo calls: the one that runs, or a private one for this call alone."""

import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import HttpUrl

from ari_app.ownership import is_owned
from ari_app.process import running_line
from ari_app.settings import Settings
from asterisk_conf.ports import free_port
from crm_bridge.settings import WebhookTarget
from desk.db.engine import Database

SPAN = 200  # media ports of a private line
HERE = "127.0.0.1"


@dataclass(frozen=True)
class DemoLine:
    """A line to call. `private`: started for this call alone."""

    settings: Settings
    db: Database
    private: bool

    @property
    def target(self) -> str:
        """Where its SIP port is."""
        sip = self.settings.pbx.sip
        return f"{sip.bind}:{sip.port}"

    @property
    def url(self) -> str:
        """Where its API answers; only of a line whose port is settled."""
        return f"http://{self.settings.api.host}:{self.settings.api.port}"

    @property
    def crm_port(self) -> int | None:
        """The built-in demo CRM, if it runs and is a target of this line."""
        bridge = self.settings.bridge
        ports = {target.url.port for target in bridge.targets}
        return bridge.demo_crm_port if bridge.demo_crm_port in ports else None


@asynccontextmanager
async def line_for_demo(settings: Settings) -> AsyncIterator[DemoLine]:
    """The running line; a private one, which ends with the block, if none runs."""
    if is_owned(settings.state_dir):
        async with await Database.open(settings.database_url) as db:
            yield DemoLine(settings, db, private=False)
        return
    async with private_line(settings) as line:
        yield line


@asynccontextmanager
async def private_line(
    settings: Settings, change: Callable[[Settings], Settings] = lambda settings: settings
) -> AsyncIterator[DemoLine]:
    """A line of the demo's own for the length of the block, beside one that may be running.

    Args:
        change: of its settings, once its ports and its folder are its own.
    """
    with tempfile.TemporaryDirectory(prefix="huisheng-demo-") as folder:
        private = change(private_settings(settings, Path(folder)))
        async with running_line(private, own_lifetime=True) as running:
            yield DemoLine(private, running.line.db, private=True)


def staffed(settings: Settings) -> Settings:
    """The same line, open at any hour, whose agents' calls all ring one telephone of this machine:
    `agents_port` says at which port."""
    port = free_port(socket.SOCK_DGRAM)
    agents = [
        agent.model_copy(update={"contact": f"sip:{agent.extension}@{HERE}:{port}"})
        for agent in settings.pbx.agents
    ]
    entries = [
        entry.model_copy(update={"open": None})
        for entry in settings.ivr.entry
        if entry.closed is None
    ]
    return settings.model_copy(
        update={
            "pbx": settings.pbx.model_copy(update={"agents": agents}),
            "ivr": settings.ivr.model_copy(update={"entry": entries or settings.ivr.entry}),
        }
    )


def agents_port(settings: Settings) -> int:
    """Where the agents of a `staffed` line are rung."""
    return int(settings.pbx.agents[0].contact.rpartition(":")[2])


def private_settings(settings: Settings, folder: Path) -> Settings:
    """The same line on free ports, with its state in `folder` and prompts already spoken."""
    prompts = settings.state_dir / "prompts"
    prompts.mkdir(parents=True, exist_ok=True)
    (folder / "prompts").symlink_to(prompts)
    media = _free_media_ports()
    crm = free_port(socket.SOCK_STREAM)
    demo = WebhookTarget(
        kind="webhook", name="demo", url=HttpUrl(f"http://127.0.0.1:{crm}/webhook")
    )
    pbx = settings.pbx.model_copy(
        update={
            "mode": "own",
            "sip": settings.pbx.sip.model_copy(update={"port": free_port(socket.SOCK_DGRAM)}),
            "rtp": settings.pbx.rtp.model_copy(update={"first": media, "last": media + SPAN}),
            "http_port": free_port(socket.SOCK_STREAM),
            "ami_port": free_port(socket.SOCK_STREAM),
            "agi_port": free_port(socket.SOCK_STREAM),
        }
    )
    return settings.model_copy(
        update={
            "state_dir": folder,
            "database": settings.database.model_copy(update={"url": ""}),
            "pbx": pbx,
            "api": settings.api.model_copy(update={"port": 0, "log_level": "error"}),
            "bridge": settings.bridge.model_copy(update={"targets": [demo], "demo_crm_port": crm}),
        }
    )


def _free_media_ports() -> int:
    """The first of `SPAN` UDP ports that nobody has, above SIPp's own."""
    for first in range(24_000, 32_000, SPAN + 2):
        udp = socket.SOCK_DGRAM
        with socket.socket(type=udp) as low, socket.socket(type=udp) as high:
            try:
                low.bind(("127.0.0.1", first))
                high.bind(("127.0.0.1", first + SPAN))
            except OSError:
                continue
            return first
    raise OSError("no free UDP ports between 24000 and 32000; stop what uses them")
