"""`huisheng demo`: place a real call, tell it as it happens, show what it became."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ari_app.cli import demo_story
from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.run import EXPECTED, flat, tell
from ari_app.demo.lines import DemoLine, line_for_demo, private_line, staffed
from ari_app.demo.story import Story, demo_call, demo_talk
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


class StoryName(StrEnum):
    """Stories that are longer than a call."""

    CLOSED_LOOP = "closed-loop"


def command(
    config: ConfigOption = Path("config.yaml"),
    as_json: Annotated[
        bool, typer.Option("--json", help='只打印 {"call": …, "ticket": …} / print JSON only')
    ] = False,
    talk: Annotated[
        bool,
        typer.Option(
            "--talk",
            help="转人工,边说边转写 / talk with a simulated agent, transcribed as they speak, on a "
            "private line; --json adds the transcript",
        ),
    ] = False,
    story: Annotated[
        StoryName | None,
        typer.Option(
            "--story",
            help="closed-loop: 从投诉到客户按键确认并评分,约一分钟 / from the complaint until the "
            "customer confirms by key and rates us, on a private line; about a minute",
        ),
    ] = None,
) -> None:
    """打一个真实的演示电话 / place a real SIP call and show the ticket it became.

    客户按键投诉并留言;打到正在运行的线路,没有则临时起一条 / a caller complains by key and message,
    on the running line or, if none runs, on a private one.
    """
    if talk and story is not None:
        raise typer.BadParameter("give either --talk or --story")
    settings = load_settings(config)
    configure("error")
    console = Console(stderr=as_json)
    try:
        make_state_folder(settings.state_dir)
        with prompts_bar(Console(stderr=True)) as progress:
            PromptCache.prepare(settings.ivr, settings.state_dir / "prompts", progress)
        if story is None:
            played = uvloop.run(_demo(settings, console, talk=talk, quiet=as_json))
        else:
            loop = uvloop.run(demo_story.play(settings, config.parent, console, quiet=as_json))
    except* (*EXPECTED, CallerError) as failed:
        tell(flat(failed))
        raise typer.Exit(1) from None
    except* TimeoutError:
        typer.echo(f"✗ {LATE}", err=True)
        raise typer.Exit(1) from None
    if as_json and story is not None:
        typer.echo(json.dumps(loop.as_json(), ensure_ascii=False))
    elif as_json:
        shown: dict[str, Any] = {"call": played.call, "ticket": played.ticket}
        if talk:
            shown["transcript"] = played.transcript
        typer.echo(json.dumps(shown, ensure_ascii=False))


async def _demo(settings: Settings, console: Console, *, talk: bool, quiet: bool) -> Story:
    opening: AbstractAsyncContextManager[DemoLine]
    play: Callable[[DemoLine, Callable[[Entry], None]], Awaitable[Story]]
    if talk:
        opening, play = private_line(staffed(settings)), demo_talk
    else:
        opening, play = line_for_demo(settings), demo_call
    async with opening as line:
        where = PRIVATE if line.private else RUNNING
        if not quiet:
            console.print(f"☎ {where}: {line.target}", highlight=False)
        tell = (lambda _: None) if quiet else (lambda entry: _tell(console, entry))
        async with asyncio.timeout(180):
            story = await play(line, tell)
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
    caller, found = ticket["caller"], {"numbers": [], "order_ids": [], **ticket["found"]}
    rows = {
        "工单号 number": ticket["number"],
        "类型 type": ticket["type"],
        "主题 subject": ticket["subject"],
        "来电 caller": f"{caller['e164']} {caller['province']} {caller['area_code']}",
        "标签 labels": " ".join(ticket["labels"]),
        "内容 told": ticket["description"],
        "摘要 summary": ticket["summary"],
        "号码 numbers": " ".join(found["numbers"]),
        "订单 orders": " ".join(found["order_ids"]),
    }
    _panel(console, "工单 / ticket", {name: row for name, row in rows.items() if row})
    talks = [one for one in story.call["recordings"] if one["kind"] != "message"]
    if talks:
        tracks = {
            one["party"] or "双方 both": f"{one['seconds']:.1f} s  sha256 {one['sha256'][:16]}…"
            for one in talks
        }
        _panel(console, "录音 / recordings", tracks)
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
