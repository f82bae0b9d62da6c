"""`huisheng rollout`: which phases are switched on, and how much of the work goes by them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk.adoption import Use, use
from desk.db.engine import Database

app = typer.Typer(no_args_is_help=True)

SHARES = {
    "tickets_from_calls": "工单来自来电 / tickets that came from calls",
    "assigned_by_rules": "由规则分派 / assignments by rules",
    "rules_kept": "规则分派后未改组 / assignments by rules that stayed in their team",
    "levels_by_rules": "由规则定级 / levels by rules",
    "closed_confirmed": "经客户确认关闭 / closes that the customer confirmed",
    "reopened": "重新打开,对关闭数 / cases that came back, to closes",
    "delivered": "已写入 CRM / entries that have arrived in targets",
    "surveys_answered": "调查有答复 / surveys that were answered",
}


@app.callback()
def _root() -> None:
    """Which phases are switched on, and how much they are used."""


@app.command()
def status(
    days: Annotated[int, typer.Option(min=1, max=400, help="最近几天 / of the last days")] = 7,
    team: Annotated[
        str | None, typer.Option(help="只看这个班组的工单 / only this team's tickets")
    ] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """状态 / the switches of config.yaml, and what happened lately by which way."""
    settings = load_settings(config)
    until = datetime.now(UTC)

    async def work(db: Database) -> Use:
        return await db.read(use, until - timedelta(days=days), until, team)

    found = run(settings, work)
    for switch, on in settings.rollout.switches().items():
        typer.echo(f"{'✓' if on else '✗'} {switch}")
    typer.echo(f"最近 {days} 天 / the last {days} days" + (f" · {team}" if team else ""))
    for name, share in found.shares.items():
        told = "-" if share is None else f"{share:.1%}"
        typer.echo(f"  {told:>7}  {SHARES[name]}")
    for name, counts in (
        ("工单 / tickets opened", found.opened),
        ("分派 / assigned", found.assigned),
        ("定级 / levels", found.levelled),
        ("关闭 / closed", found.closed),
        ("投递 / deliveries now", found.delivered),
        ("调查 / surveys", found.surveys),
    ):
        typer.echo(f"  {name}: {_counts(counts)}")
    typer.echo(f"  并入已有工单的来电 / calls that joined a ticket: {found.joined}")
    typer.echo(f"  自动化动作 / entries by automation: {found.automated}")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"
