"""`huisheng run`: start the line, say where to call and where to look, serve until Ctrl-C."""

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from prometheus_client import REGISTRY
from rich.console import Console
from rich.panel import Panel

from ari_app.ari import AriError
from ari_app.cli.options import ConfigOption, load_settings
from ari_app.logs import configure
from ari_app.ownership import (
    HAND_OVER,
    LineTakenError,
    StateFolderError,
    make_state_folder,
    take_over,
)
from ari_app.process import Running, running_line
from ari_app.prompts.cache import PromptCache
from ari_app.prompts.progress import prompts_bar
from ari_app.prompts.speak import PromptError
from ari_app.settings import Settings
from asterisk_conf.errors import PbxError
from crm_bridge.errors import BridgeError
from desk.calendar import CalendarFileError
from desk.errors import DeskError
from desk.region import RegionTableError
from stt.errors import SpeechError
from stt.model import describe

TAKE_OVER_SECONDS = 15.0

EXPECTED = (
    AriError,
    BridgeError,
    CalendarFileError,
    DeskError,
    LineTakenError,
    OSError,
    PbxError,
    PromptError,
    RegionTableError,
    SpeechError,
    StateFolderError,
)
"""What may keep a line from starting; each says in one sentence what to do."""


def command(
    config: ConfigOption = Path("config.yaml"),
    json_logs: Annotated[bool, typer.Option(help="日志用 JSON / log as JSON")] = False,
    take_over_line: Annotated[
        bool,
        typer.Option(
            "--take-over",
            help="接替正在运行的进程,通话不断 / take over from the running process; calls go on",
        ),
    ] = False,
) -> None:
    """启动线路,Ctrl-C 停止 / start the line, Ctrl-C stops it."""
    settings = load_settings(config)
    configure(settings.api.log_level, json=json_logs)
    console = Console(stderr=True)
    try:
        make_state_folder(settings.state_dir)
        with prompts_bar(console) as progress:
            PromptCache.prepare(settings.ivr, settings.state_dir / "prompts", progress)
        if take_over_line:
            take_over(settings.state_dir, TAKE_OVER_SECONDS)
        uvloop.run(serve(settings, config, console))
    except* HandedOver:
        console.print("线路已交接 / the line has been handed over")
    except* EXPECTED as failed:
        tell(failed)
        raise typer.Exit(1) from None


def tell(failed: BaseExceptionGroup[BaseException]) -> None:
    """Each reason why the line could not start or go on, as one line."""
    for error in failed.exceptions:
        if isinstance(error, BaseExceptionGroup):
            tell(error)
        else:
            typer.echo(f"✗ {error or type(error).__name__}", err=True)


class HandedOver(Exception):  # noqa: N818 - not an error
    """Another process goes on with the line."""


async def serve(settings: Settings, config: Path, console: Console) -> None:
    """The line, until SIGINT or SIGTERM: then its calls come to an end first; a second one ends it
    at once. SIGUSR1 leaves everything to the next process.

    Raises:
        HandedOver: it has been left so.
    """
    stop, stop_now, hand_over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        (stop_now if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_to_stop)
    loop.add_signal_handler(HAND_OVER, hand_over.set)
    async with running_line(settings, config=config, registry=REGISTRY) as running:
        greet(running, console)
        await first(stop.wait(), hand_over.wait())
        if hand_over.is_set():
            running.switchboard.leave_in_place()
            raise HandedOver
        seconds = settings.pbx.drain_seconds
        console.print(f"正在停止,最多等待通话 {seconds} 秒,再按一次 Ctrl-C 立即停止 / stopping …")
        await first(running.switchboard.drain(seconds), stop_now.wait())


async def first(*works: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these; the others end."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def greet(running: Running, console: Console) -> None:
    """Where to call, where to look, what to try next."""
    pbx = running.settings.pbx
    number = pbx.line_numbers[0]
    lines = [
        f"拨打 / call     sip:{number}@{pbx.sip.bind}:{pbx.sip.port}",
        f"查看 / look     {running.url}/",
        "试试 / try      .venv/bin/huisheng demo",
        "停止 / stop     Ctrl-C",
    ]
    warning = describe(running.settings.speech).warning
    if warning:
        lines += ["", f"⚠ {warning}"]
    console.print(
        Panel(
            "\n".join(lines),
            title=f"回声 Huisheng · {running.settings.company.name}",
            expand=False,
        ),
        markup=False,
        highlight=False,
    )
