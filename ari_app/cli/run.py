"""`huisheng run`: start the line, say where to call and where to look, serve until Ctrl-C."""

import asyncio
import signal
from collections.abc import Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvloop
from prometheus_client import REGISTRY
from rich.console import Console
from rich.panel import Panel

from ari_app.ari import ApplicationReplaced, AriError
from ari_app.cli.options import ConfigOption, load_settings
from ari_app.logs import configure
from ari_app.ownership import (
    HAND_OVER,
    LineTakenError,
    StateFolderError,
    is_wanted,
    make_state_folder,
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

log = structlog.get_logger()

TAKE_OVER_SECONDS = 15.0
FAILED, REPLACED = 1, 3
"""Exit codes: could not start or go on; another process serves the line, and starting this one
again would only take it back."""

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
    """启动线路,Ctrl-C 停止 / start the line, Ctrl-C stops it.

    Ctrl-C、SIGTERM:来电和等待者转拨号方案,通话最多再等 pbx.drain_seconds;
    再来一次立即停止。
    Ctrl-C, SIGTERM: new callers and those who wait go to the dialplan, talks
    have pbx.drain_seconds to end. A second one ends everything at once.

    kill -9、崩溃:Asterisk 和通话继续,拨号方案接待来电,再次启动即接管。
    Killed or crashed: Asterisk and talks go on and the dialplan serves callers;
    the next start takes all of it over.

    退出码:0 已停止或已交接;1 不能启动或继续;3 另一进程已接管,勿自动重启。
    Exit codes: 0 stopped or handed over; 1 could not start or go on; 3 another
    process serves the line now: do not restart this one by itself.
    """
    settings = load_settings(config)
    configure(settings.api.log_level, json=json_logs)
    console = Console(stderr=True)
    try:
        make_state_folder(settings.state_dir)
        with prompts_bar(console) as progress:
            PromptCache.prepare(settings.ivr, settings.state_dir / "prompts", progress)
        uvloop.run(serve(settings, config, console, take_over=take_over_line))
    except BaseException as error:
        reasons = list(flat(error))
        if all(isinstance(one, HandedOver) for one in reasons):
            console.print("线路已交接,通话不断 / the line has been handed over; calls go on")
            return
        if not all(isinstance(one, (*EXPECTED, HandedOver)) for one in reasons):
            raise  # a fault of ours: its traceback is what whoever mends it needs
        replaced = [one for one in reasons if isinstance(one, ApplicationReplaced)]
        tell(replaced or reasons)
        raise typer.Exit(REPLACED if replaced else FAILED) from None


def flat(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from flat(one)
    else:
        yield error


def tell(reasons: Iterable[BaseException]) -> None:
    """Why the line could not start or go on: a line for each reason."""
    for reason in dict.fromkeys(str(one) or type(one).__name__ for one in reasons):
        typer.echo(f"✗ {reason}", err=True)


class HandedOver(Exception):  # noqa: N818 - not an error
    """Another process goes on with the line."""


async def serve(
    settings: Settings, config: Path, console: Console, *, take_over: bool = False
) -> None:
    """The line, until SIGINT or SIGTERM: then its calls come to an end first; a second one ends it
    at once. SIGUSR1 of a process that waits for the line leaves everything to that one.

    Raises:
        HandedOver: it has been left so.
    """
    stop, stop_now, hand_over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        (stop_now if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_to_stop)
    loop.add_signal_handler(HAND_OVER, asked_for, settings.state_dir, hand_over)
    async with running_line(
        settings,
        config=config,
        registry=REGISTRY,
        take_over_seconds=TAKE_OVER_SECONDS if take_over else None,
    ) as running:
        greet(running, console)
        await first(stop.wait(), hand_over.wait())
        if hand_over.is_set():
            await running.switchboard.secure()
            running.switchboard.leave_in_place()
            raise HandedOver
        seconds = settings.pbx.drain_seconds
        console.print(f"正在停止,最多等待通话 {seconds} 秒,再按一次 Ctrl-C 立即停止 / stopping …")
        await first(wind_down(running, seconds), stop_now.wait())


async def wind_down(running: Running, seconds: float) -> None:
    """Let calls come to an end, and open the tickets of those that the dialplan ended."""
    await running.switchboard.drain(seconds)
    await running.errands.settle()


def asked_for(state_dir: Path, hand_over: asyncio.Event) -> None:
    """SIGUSR1: somebody wants the line, unless he has given up waiting for it."""
    if is_wanted(state_dir):
        hand_over.set()
    else:
        log.warning("asked to hand over the line, and nobody waits for it: it goes on here")


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
