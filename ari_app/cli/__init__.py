"""The command `huisheng`: one file per group of commands, each imported only when it is used."""

from ari_app.cli.main import main

__all__ = ["main"]
