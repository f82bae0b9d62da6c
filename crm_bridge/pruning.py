"""Forgetting what targets took long ago, once an hour."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from desk import outbox
from desk.db.engine import Database
from desk.errors import DatabaseError

log = logging.getLogger(__name__)
EVERY_SECONDS = 3600.0
FIRST_AFTER_SECONDS = 60.0
AT_ONCE = 500
"""Rows of one transaction: calls wait for the same writer."""
PAUSE_SECONDS = 0.2


async def forget_old(db: Database, keep_days: float, clock: Callable[[], datetime]) -> None:
    """Delete, for ever, deliveries that arrived more than `keep_days` ago. Until cancelled."""
    wait = FIRST_AFTER_SECONDS
    while True:
        await asyncio.sleep(wait)
        wait = EVERY_SECONDS
        try:
            count = await forget(db, clock() - timedelta(days=keep_days))
        except DatabaseError as error:
            if not error.retryable:
                raise
            log.warning("old deliveries are not forgotten yet: %s", error)
        else:
            if count:
                log.info("%d deliveries that arrived over %g days ago forgotten", count, keep_days)


async def forget(db: Database, before: datetime) -> int:
    """Delete deliveries that arrived before `before`; returns how many."""
    count = 0
    while ids := await db.read(outbox.old, before, AT_ONCE):
        count += await db.write(outbox.prune, ids)
        if len(ids) < AT_ONCE:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    return count
