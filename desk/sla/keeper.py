"""The task that keeps service levels: follows the timeline and fires what is due, in time.

Any number of processes may run it; the database sees to it that each step fires once.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from desk.db.engine import Database
from desk.errors import DatabaseError
from desk.sla.editions import recomputing
from desk.sla.escalation import due_steps, fire_due, next_due
from desk.sla.following import behind, follow, recompute

MOST_SECONDS = 30.0
"""The longest wait: commits of other processes may come unannounced."""
LEAST_SECONDS = 0.2
"""The shortest: a step whose ticket another process holds is tried again after it."""
AT_ONCE = 20
"""Tickets per unit of work, so that no call waits long for the database."""

log = structlog.get_logger()


async def keep(
    db: Database, now: Callable[[], datetime], *, most_seconds: float = MOST_SECONDS
) -> None:
    """Keep service levels until cancelled. A database that fails for a while only delays."""
    with db.subscribe() as commits:
        while True:
            try:
                seconds = await keep_once(db, now, most_seconds)
            except DatabaseError as error:
                if not error.retryable:
                    raise
                log.warning("service levels wait for the database", error=str(error))
                seconds = most_seconds
            await commits.wait(seconds)


async def keep_once(
    db: Database, now: Callable[[], datetime], most_seconds: float = MOST_SECONDS
) -> float:
    """Do all that is to be done now. Returns for how many seconds there is nothing to do, if
    nothing is written."""
    while await db.read(behind):
        await db.write(follow, AT_ONCE)
    while await db.read(recomputing) is not None:
        await db.write(recompute, AT_ONCE)
    while await db.read(due_steps, now(), 1):
        fired = await db.write(fire_due, now(), AT_ONCE)
        for each in fired:
            log.info("escalated", ticket=each.key.ticket_id, target=each.key.target,
                     cycle=each.key.cycle, step=each.key.step)  # fmt: skip
        if not fired:
            break
    due_at = await db.read(next_due)
    if due_at is None:
        return most_seconds
    return min(max((due_at - now()).total_seconds(), LEAST_SECONDS), most_seconds)
