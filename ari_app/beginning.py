"""What is in force from the first start on: the service levels of config.yaml, and the rules of
routing.yaml beside it. A later change of these files is put in force by who has seen its effect.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from ari_app.settings import Settings
from desk import routing, sla
from desk.calendar import CalendarFileError
from desk.db.engine import Database
from desk.routing import BadRules

RULES = "routing.yaml"
SLA_MEND = "mend the file, then huisheng sla apply"
RULES_MEND = "huisheng rules validate, then huisheng rules activate"

log = structlog.get_logger()


def levels_of(settings: Settings) -> sla.Book:
    """The service levels of config.yaml.

    Raises:
        CalendarFileError: a calendar's file is wrong.
    """
    return sla.Book.from_settings(
        settings.sla, settings.company.timezone, settings.ivr.calendar_file
    )


async def begin(
    db: Database, settings: Settings, config: Path | None, now: Callable[[], datetime]
) -> None:
    """Put both in force where nothing ever was. What cannot be used is told loudly, and keeps no
    caller waiting; so are years whose holidays the service levels in force do not know.

    Args:
        config: the file of the settings; None: they have none, and no rules beside it.

    Raises:
        DatabaseError: the desk is away.
    """
    if await db.read(sla.latest) is None:
        try:
            await db.write(sla.begin, levels_of(settings), now())
        except CalendarFileError as error:
            log.error("nothing is ever due: no service levels", why=str(error), mend=SLA_MEND)
    levels = await db.read(sla.latest)
    for year in levels.unknown(levels.today("", now())) if levels is not None else ():
        log.warning("clocks go by Monday to Friday", why=str(year))
    if config is not None and await db.read(routing.latest) is None:
        rules = config.with_name(RULES)
        try:
            text = await asyncio.to_thread(rules.read_text, encoding="utf-8")
            await db.write(routing.begin, text, now())
        except FileNotFoundError:
            log.warning("tickets are not routed: there is no rule set", file=str(rules))
        except (OSError, UnicodeDecodeError, BadRules) as error:
            why = str(error)
            log.error("tickets are not routed", file=str(rules), why=why, mend=RULES_MEND)
