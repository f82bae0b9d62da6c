"""Options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer

from ari_app.settings import ConfigError, Settings, load

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="HUISHENG_CONFIG", help="设置文件 / settings file"),
]


def load_settings(path: Path) -> Settings:
    """The settings, or one clear error on standard error and exit code 2."""
    try:
        return load(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
