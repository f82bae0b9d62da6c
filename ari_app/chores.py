"""The one task that keeps the desk's chores in this process. Every process may: what is due is
done once, whoever looks first.
"""

import asyncio
from dataclasses import fields
from pathlib import Path

import structlog

from ari_app.beginning import begin
from ari_app.calls.line import Line
from ari_app.house import house_of
from ari_app.settings import Settings
from desk.chores import keep
from desk.errors import DatabaseError
from desk.house import declare
from desk.service import ServiceSettings, chores

AGAIN_SECONDS = 5.0

log = structlog.get_logger()


def service_settings(settings: Settings) -> ServiceSettings:
    """The sections that chores need, each by its name in config.yaml."""
    names = [each.name for each in fields(ServiceSettings)]
    return ServiceSettings(**{name: getattr(settings, name) for name in names})


async def keep_chores(line: Line, config: Path | None = None) -> None:
    """Keep them until cancelled. A desk that is away keeps them waiting; calls go on meanwhile.

    Args:
        config: the file of the line's settings, beside which its rules stand.
    """
    while True:
        try:
            await line.db.write(declare, house_of(line.settings), line.now())
            await begin(line.db, line.settings, config, line.now)
            break
        except DatabaseError as error:
            log.warning("chores wait for the database", error=str(error))
            await asyncio.sleep(AGAIN_SECONDS)
    await keep(line.db, chores(service_settings(line.settings)), line.now)
