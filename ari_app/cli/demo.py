"""`huisheng demo`: place a real call, tell it as it happens, show what it became."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.run import EXPECTED, tell
from ari_app.demo.lines import line_for_demo
from ari_app.demo.story import Story, demo_call
from ari_app.demo.words import words
from ari_app.logs import configure
from ari_app.ownership import make_state_folder
from ari_app.prompts.cache import PromptCache
from ari_app.prompts.progress import prompts_bar
from ari_app.settings import Settings
from ari_app.sip_caller import CallerError
from desk.timeline import Entry

LATE = "the call did not end in time; huisheng doctor may say why"
PRIVATE = "演示专用线路 / a private line"
RUNNING = "正在运行的线路 / the running line"


def command(
    config: ConfigOption = Path("config.yaml"),
    as_json: Annotated[
        bool, typer.Option("--json", help='只打印 {"call": …, "ticket": …} / print JSON only')
    ] = False,
) -> None:
    """打一个真实的演示电话 / place a real SIP call and show the ticket it became."""
    settings = load_settings(config)
    configure("error")
    console = Console(stderr=as_json)
    try:
        make_state_folder(settings.state_dir)
        with prompts_bar(Console(stderr=True)) as progress:
            PromptCache.prepare(settings.ivr, settings.state_dir / "prompts", progress)
        story = uvloop.run(_demo(settings, console, quiet=as_json))
    except* (*EXPECTED, CallerError) as failed:
        tell(failed)
        raise typer.Exit(1) from None
    except* TimeoutError:
        typer.echo(f"✗ {LATE}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"call": story.call, "ticket": story.ticket}, ensure_ascii=False))


async def _demo(settings: Settings, console: Console, *, quiet: bool) -> Story:
    async with line_for_demo(settings) as line:
        where = PRIVATE if line.private else RUNNING
        if not quiet:
            console.print(f"☎ {where}: {line.target}", highlight=False)
        tell = (lambda _: None) if quiet else (lambda entry: _tell(console, entry))
        async with asyncio.timeout(180):
            story = await demo_call(line, tell)
        if not quiet:
            _show(console, story)
        return story


def _tell(console: Console, entry: Entry) -> None:
    clock = entry.at.astimezone().strftime("%H:%M:%S")
    console.print(f"  {clock}  {words(entry)}", markup=False, highlight=False)


def _show(console: Console, story: Story) -> None:
    ticket = story.ticket
    if ticket is None:
        console.print("没有工单 / no ticket")
        return
    caller = ticket["caller"]
    rows = {
        "工单号 number": ticket["number"],
        "类型 type": ticket["type"],
        "主题 subject": ticket["subject"],
        "来电 caller": f"{caller['e164']} {caller['province']} {caller['area_code']}",
        "标签 labels": " ".join(ticket["labels"]),
        "内容 told": ticket["description"],
    }
    _panel(console, "工单 / ticket", rows)
    received = {
        f"{place} {message['timestamp'][11:19]}": f"{message['type']}  {message['id']}"
        for place, message in enumerate(story.delivered, start=1)
    }
    _panel(console, "CRM 收到 / what the CRM received", received or {"": "尚未 / nothing yet"})


def _panel(console: Console, title: str, rows: Mapping[str, str]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    console.print(Panel(table, title=title, expand=False))
