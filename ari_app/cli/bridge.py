"""`huisheng bridge`: how deliveries stand, dead letters, signing secrets."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from ari_app.settings import Settings
from crm_bridge.errors import SecretError
from crm_bridge.message import message, message_id
from crm_bridge.overview import overview
from crm_bridge.secret import secret_of, token_variable
from crm_bridge.settings import ZammadTarget
from desk import outbox
from desk.db.engine import Database

app = typer.Typer(no_args_is_help=True)

SEEN_WITHIN_SECONDS = 30
"""A running line sees what another process changes within `crm_bridge.worker.LOOK_SECONDS`."""

JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
TargetArgument = Annotated[
    str | None, typer.Argument(metavar="[TARGET]", help="目标名,默认全部 / all if left out")
]


@app.command()
def status(config: ConfigOption = Path("config.yaml"), as_json: JsonOption = False) -> None:
    """各目标投递情况 / how each target stands: entries that wait, dead letters, last error."""
    settings = load_settings(config)

    async def work(db: Database) -> list[Any]:
        return await db.read(overview, settings.bridge, datetime.now(UTC))

    targets = run(settings, work)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in targets], default=str, ensure_ascii=False))
        return
    table = Table(
        "目标 target", "待投递 waiting", "死信 dead", "最早 since", "问题 last error", "url"
    )
    for one in targets:
        since = one.waiting_since.isoformat(timespec="seconds") if one.waiting_since else ""
        left = "" if one.url else "已不在 config.yaml / no longer in config.yaml"
        cells = (one.name, str(one.pending), str(one.dead), since, one.error, one.url or left)
        table.add_row(*map(Text, cells))
    Console().print(table)


@app.command()
def dead(
    target: TargetArgument = None,
    config: ConfigOption = Path("config.yaml"),
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多条数 / at most")] = 100,
    as_json: JsonOption = False,
) -> None:
    """列出死信 / list dead letters, oldest first."""
    settings = load_settings(config)
    _known(settings, target)

    async def work(db: Database) -> list[outbox.Delivery]:
        return await db.read(outbox.dead, target, limit=limit)

    letters = run(settings, work)
    if as_json:
        for one in letters:
            about = {"id": one.id, "target": one.target, "error": one.last_error}
            sent = {"webhook_id": message_id(one), "message": message(one)}
            typer.echo(json.dumps(about | sent, ensure_ascii=False))
        return
    table = Table("编号 id", "目标 target", "归属 of", "事项 type", "时间 at", "问题 error")
    for one in letters:
        at = one.at.isoformat(timespec="seconds")
        cells = (str(one.id), one.target, one.key, one.kind, at, one.last_error)
        table.add_row(*map(Text, cells))
    Console().print(table)


@app.command()
def replay(
    target: TargetArgument = None,
    config: ConfigOption = Path("config.yaml"),
    ids: Annotated[
        list[int] | None, typer.Option("--id", help="只重放这一条,可重复 / only this one")
    ] = None,
) -> None:
    """重放死信 / send dead letters again. They go before what still waits of their ticket."""
    settings = load_settings(config)
    _known(settings, target)

    async def work(db: Database) -> int:
        return await db.write(outbox.replay, target, now=datetime.now(UTC), ids=ids or None)

    count = run(settings, work)
    typer.echo(
        f"{count} 条将重新投递,运行中的线路在 {SEEN_WITHIN_SECONDS} 秒内处理 / "
        f"{count} to be sent again; a running line takes them within {SEEN_WITHIN_SECONDS} s"
    )


@app.command()
def secret(
    name: Annotated[str, typer.Argument(metavar="NAME", help="目标名 / name of the target")],
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """打印签名密钥 / print the secret (whsec_…) with which a target checks our signatures."""
    settings = load_settings(config)
    _known(settings, name)
    if any(isinstance(one, ZammadTarget) and one.name == name for one in settings.bridge.targets):
        typer.echo(f"{name}:令牌来自 / its token comes from {token_variable(name)}", err=True)
        raise typer.Exit(2)
    try:
        typer.echo(secret_of(name, settings.state_dir))
    except SecretError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _known(settings: Settings, target: str | None) -> None:
    names = [one.name for one in settings.bridge.targets]
    if target is not None and target not in names:
        known = ", ".join(names) or "none"
        typer.echo(f"no target {target!r} in config.yaml; there are: {known}", err=True)
        raise typer.Exit(2)
