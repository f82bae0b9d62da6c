"""`huisheng run`: start the line, say where to call and where to look, serve until Ctrl-C."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from prometheus_client import REGISTRY
from rich.console import Console
from rich.panel import Panel

from ari_app.ari import AriError
from ari_app.cli.options import ConfigOption, load_settings
from ari_app.logs import configure
from ari_app.ownership import LineTakenError, StateFolderError, make_state_folder
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
) -> None:
    """启动线路,Ctrl-C 停止 / start the line, Ctrl-C stops it."""
    settings = load_settings(config)
    configure(settings.api.log_level, json=json_logs)
    console = Console(stderr=True)
    try:
        make_state_folder(settings.state_dir)
        with prompts_bar(console) as progress:
            PromptCache.prepare(settings.ivr, settings.state_dir / "prompts", progress)
        uvloop.run(serve(settings, config, console))
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


async def serve(settings: Settings, config: Path, console: Console) -> None:
    """The line, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_line(settings, config=config, registry=REGISTRY) as running:
        greet(running, console)
        await stop.wait()
        console.print("正在停止 / stopping …")


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
