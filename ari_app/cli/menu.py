"""`huisheng menu`: see the IVR and walk it, without a telephone."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.ivr.compiled import compile_menus
from ari_app.ivr.keyboard import walk_by_keyboard
from ari_app.ivr.picture import condition, picture
from ari_app.ivr.walk import Walk
from ari_app.settings import Settings
from desk.calendar import Calendar
from desk.region import RegionTable, RegionTableError, locate

app = typer.Typer(
    no_args_is_help=True, help="菜单 / show the IVR as a picture, walk it by keyboard"
)


@app.command()
def show(config: ConfigOption = Path("config.yaml")) -> None:
    """画出菜单 / draw the menus: what callers hear, press and reach."""
    settings = load_settings(config)
    _warn(compile_menus(settings).calendar, datetime.now(UTC))
    Console().print(picture(settings))


@app.command("try")
def walk(
    config: ConfigOption = Path("config.yaml"),
    caller: Annotated[
        str, typer.Option(help="主叫号码,空为隐藏 / caller id; empty: withheld")
    ] = "",
    dialled: Annotated[
        str, typer.Option(help="被叫 400 号码 / number dialled; the first one if left out")
    ] = "",
    at: Annotated[
        str, typer.Option(help="时刻,如 2026-10-01T10:00 / company's time; now if left out")
    ] = "",
) -> None:
    """用键盘走一遍 / walk the menus by keyboard.

    Type keys and Enter; Enter alone is silence, Ctrl-D hangs up.
    """
    settings = load_settings(config)
    now = _moment(at, settings)
    tree = compile_menus(settings)
    _warn(tree.calendar, now)
    try:
        table = RegionTable.load(settings.state_dir)
    except RegionTableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    who = locate(caller or "anonymous", settings.company.home_area_code, table=table)
    number = dialled or settings.pbx.line_numbers[0]
    entry = tree.entry(who, number, now)
    console = Console(highlight=False)
    region = f"{who.province} {who.city} {who.area_code}".strip() or who.kind
    clock = f"{now.astimezone(settings.company.tz):%Y-%m-%d %H:%M}"
    console.print(Text(f"{caller or '隐藏 withheld'} ({region}) → {number}, {clock}"))
    console.print(Text(f"{condition(entry)} → {entry.menu}"))
    walk_by_keyboard(Walk(tree, entry.menu), settings.ivr, _read, console.print)


def _read(prompt: str) -> str | None:
    """A line from the terminal or a pipe; None at its end, as when a caller hangs up."""
    try:
        line = input(prompt)
    except EOFError:
        typer.echo()
        return None
    if not sys.stdin.isatty():
        typer.echo(line)  # so that a recorded walk reads like one at the terminal
    return line


def _moment(at: str, settings: Settings) -> datetime:
    if not at:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise typer.BadParameter(f"{at!r} is no time; write 2026-10-01T10:00") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=settings.company.tz)).astimezone(UTC)


def _warn(calendar: Calendar, now: datetime) -> None:
    warning = calendar.warning(calendar.today(now))
    if warning is not None:
        typer.echo(str(warning), err=True)
