"""`huisheng region`: where callers are from, and a newer segment table."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from desk.region import Caller, RegionTable, RegionTableError, areas, locate

DEFAULT_CONFIG = Path("config.yaml")
DEFAULT_STATE_DIR = Path("var")
DEFAULT_HOME = "022"

_UPDATE = "update"
_LOOK_UP = "numbers"


class _NumbersOrUpdate(TyperGroup):
    """`region 022… +86…` looks numbers up, `region update FILE` loads a table: what follows is a
    command only if it says `update`, which no number does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = args[: args.index("--")] if "--" in args else args
        if _UPDATE in options:
            args = [_UPDATE, *(word for word in args if word != _UPDATE)]
        elif not set(options) & set(ctx.help_option_names):
            args = [_LOOK_UP, *args]
        return super().parse_args(ctx, args)


_SUMMARY = (
    "号码归属地 / region of caller ids, one JSON object per line. Without numbers they are read"
    " from standard input, one per line."
)

app = typer.Typer(
    cls=_NumbersOrUpdate,
    subcommand_metavar="[NUMBER]... | update FILE.csv",
    help=_SUMMARY,
    epilog="--home-area-code CODE: 本地号码的区号 / area code of numbers of 7 or 8 digits."
    "  --config PATH: 设置文件 / settings file.",
)

# Not from `ari_app.cli.options`: that imports every section's settings, which a look-up needs only
# if there is a settings file.
_ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="HUISHENG_CONFIG", help="设置文件 / settings file"),
]
_HomeOption = Annotated[
    str | None,
    typer.Option(
        "--home-area-code",
        metavar="CODE",
        help="本地 7/8 位号码的区号 / area code of numbers of 7 or 8 digits"
        f" [config.yaml, else {DEFAULT_HOME}]",
    ),
]


@app.command(_LOOK_UP, hidden=True, help=_SUMMARY)
def numbers(
    numbers: Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...")] = None,
    home_area_code: _HomeOption = None,
    config: _ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print one JSON object per caller id."""
    state_dir, home = _installation(config)
    home = home_area_code or home
    if home not in areas():
        _fail(f"{home!r} is no Chinese area code; write it with its zero, like 022 or 0315")
    try:
        table = RegionTable.load(state_dir)
    except RegionTableError as error:
        _fail(str(error))
    for stream in (sys.stdout, sys.stdin):
        # Bytes that are no UTF-8 stay visible: `\udcXX` is also how JSON writes them.
        errors = "surrogateescape" if stream is sys.stdin else "backslashreplace"
        stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]
    for caller_id in numbers if numbers else _lines():
        print(as_json(locate(caller_id, home, table=table)))


@app.command(_UPDATE)
def update(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", help="列 / columns: prefix,province,city,area_code,carrier"
        ),
    ],
    config: _ConfigOption = DEFAULT_CONFIG,
) -> None:
    """更新号段表 / load a newer segment table; all or nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from desk.region.update import SegmentFileError, read_update

    state_dir, _ = _installation(config)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("检查 / checking", total=max(file.stat().st_size, 1))
            checked = read_update(file, lambda done: bar.update(task, completed=done))
        saved = checked.table.save(state_dir)
    except (SegmentFileError, OSError) as error:
        _fail(f"{error}. The table in use has not been changed.")
    typer.echo(
        f"已更新 / updated: {checked.read:,} segments read ({checked.new:,} new,"
        f" {checked.changed:,} changed), {len(checked.table):,} known now → {saved}\n"
        "运行中的线路在下次启动时采用 / a running line takes it at its next start"
    )


def as_json(caller: Caller) -> str:
    """One line: input, kind, e164, province, city, area_code; unknown ones are empty strings."""
    return json.dumps(
        {
            "input": caller.input,
            "kind": caller.kind,
            "e164": caller.e164,
            "province": caller.province,
            "city": caller.city,
            "area_code": caller.area_code,
        },
        ensure_ascii=False,
    )


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        typer.echo("每行一个号码,Ctrl-D 结束 / one number per line, Ctrl-D ends", err=True)
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _installation(config: Path) -> tuple[Path, str]:
    """State directory and home area code; the defaults where there is no settings file."""
    if config == DEFAULT_CONFIG and not config.exists():
        return DEFAULT_STATE_DIR, DEFAULT_HOME
    from ari_app.cli.options import load_settings

    settings = load_settings(config)
    return settings.state_dir, settings.company.home_area_code


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
