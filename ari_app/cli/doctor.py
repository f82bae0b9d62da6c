"""`huisheng doctor`: find what is wrong with the line and say the mend."""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ari_app.cli.options import ConfigOption
from ari_app.doctor import TITLES, Finding, Level, examine
from ari_app.logs import configure

MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warn": ("⚠", "yellow"),
    "fail": ("✗", "red"),
}


def command(
    config: ConfigOption = Path("config.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="JSON 输出 / print JSON")] = False,
) -> None:
    """检查一切并给出办法 / find what is wrong and say the mend; exit code 1 if anything fails.

    Changes nothing; may be run beside a running line. --json prints
    {"healthy": …, "findings": [{"check", "level" (ok, warn, fail), "what", "mend"}]}.
    """
    configure("critical")
    found = asyncio.run(examine(config, lambda: datetime.now(UTC)))
    healthy = all(finding.level != "fail" for finding in found)
    if as_json:
        told = {"healthy": healthy, "findings": [asdict(finding) for finding in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _print(found)
    if not healthy:
        raise typer.Exit(1)


def _print(found: list[Finding]) -> None:
    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        mark, colour = MARKS[finding.level]
        table.add_row(Text(mark, colour), Text(TITLES[finding.check]), Text(finding.what))
        if finding.mend:
            table.add_row("", "", Text(f"→ {finding.mend}", "bold"))
    console = Console()
    console.print(table)
    counts = Counter(finding.level for finding in found)
    console.print(
        f"\n{counts['fail']} 项故障,{counts['warn']} 项警告,{counts['ok']} 项正常 / "
        f"{counts['fail']} failures, {counts['warn']} warnings, {counts['ok']} ok",
        highlight=False,
    )
