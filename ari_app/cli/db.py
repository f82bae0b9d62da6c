"""`huisheng db`: migrate and inspect the database."""

from pathlib import Path

import typer
from sqlalchemy.engine import make_url

from ari_app.cli.options import ConfigOption, load_settings
from ari_app.settings import Settings
from desk.db import migrate
from desk.db.schema import REVISION
from desk.errors import DeskError

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade(config: ConfigOption = Path("config.yaml")) -> None:
    """升级到当前版本 / make or upgrade the tables; the line does so by itself when it starts."""
    settings = load_settings(config)
    try:
        wait = settings.database.wait_seconds
        revision = migrate.upgrade(settings.database_url, wait_seconds=wait)
    except DeskError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{_where(settings)}: revision {revision}")


@app.command()
def show(config: ConfigOption = Path("config.yaml")) -> None:
    """显示位置和版本 / where the database is, and its revision; exit code 1 if outdated."""
    settings = load_settings(config)
    try:
        found = migrate.current(settings.database_url, wait_seconds=settings.database.wait_seconds)
    except DeskError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if found == REVISION:
        typer.echo(f"{_where(settings)}: revision {found}, current")
        return
    typer.echo(
        f"{_where(settings)}: revision {found or 'none'}, this version needs {REVISION}; "
        "run huisheng db upgrade",
        err=True,
    )
    raise typer.Exit(1)


def _where(settings: Settings) -> str:
    return make_url(settings.database_url).render_as_string(hide_password=True)
