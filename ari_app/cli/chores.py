"""`huisheng chores`: what happens by itself: who lags, what could not be done, trying it again."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.cli.with_desk import run
from desk import chores
from desk.chores import Aside, Standing
from desk.db.engine import Database

app = typer.Typer(no_args_is_help=True)


@app.command()
def status(config: ConfigOption = Path("config.yaml")) -> None:
    """现状 / how far each follower of the timeline has come, and what was put aside."""

    async def work(db: Database) -> tuple[list[Standing], list[Aside]]:
        return await db.read(_look)

    standing, asides = run(load_settings(config), work)
    for one in standing:
        trouble = f"  失败 {one.attempts} 次 / failed: {one.error}" if one.error else ""
        typer.echo(f"{one.name}  至 / to {one.seq}  未看 / behind {one.behind}{trouble}")
    for aside in asides:
        typer.echo(f"搁置 / aside: {aside.follower}  {aside.seq}  {aside.kind}  {aside.error}")


@app.command()
def again(
    follower: Annotated[str | None, typer.Argument(help="只此一个 / this follower's only")] = None,
    seq: Annotated[int | None, typer.Option(help="只此一条 / this entry only")] = None,
    config: ConfigOption = Path("config.yaml"),
) -> None:
    """重做搁置的事项 / have what was put aside tried once more; a running process does it."""

    async def work(db: Database) -> int:
        return await db.write(chores.again, follower, seq)

    count = run(load_settings(config), work)
    typer.echo(f"{count} 条将重做 / to be tried again")


def _look(db: Connection) -> tuple[list[Standing], list[Aside]]:
    return chores.standing(db), chores.asides(db)
