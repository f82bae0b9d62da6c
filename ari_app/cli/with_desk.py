"""Commands that work on the desk's database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from ari_app.settings import Settings
from desk.db.engine import Database
from desk.errors import DeskError

T = TypeVar("T")


def run(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Open the configured database, run `work`, close it. An error of the desk, or a value that
    it refuses, is one line on standard error and exit code 1.
    """

    async def opened() -> T:
        database = settings.database
        async with await Database.open(
            settings.database_url, wait_seconds=database.wait_seconds
        ) as db:
            return await work(db)

    try:
        return asyncio.run(opened())
    except (DeskError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
