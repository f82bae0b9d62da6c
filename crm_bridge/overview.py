"""How the targets stand according to the database: what an operator asks while the line runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from crm_bridge.settings import BridgeSettings
from desk import outbox

_SOON = timedelta(days=3650)
"""Beyond every retry: asked with it, what waits is due."""


@dataclass(frozen=True, slots=True)
class TargetOverview:
    """One target of config.yaml, or one that has left it (`url` is empty) with entries kept.

    waiting_since: the moment of the entry that is due longest. error: its last one, if any.
    """

    name: str
    url: str
    pending: int
    dead: int
    waiting_since: datetime | None
    attempts: int
    error: str


def overview(db: Connection, settings: BridgeSettings, now: datetime) -> list[TargetOverview]:
    """All targets by name, those of config.yaml first."""
    urls = {target.name: str(target.url) for target in settings.targets}
    counts = outbox.counts(db, settings.wanted)
    shown = []
    for name in [*urls, *(known for known in counts if known not in urls)]:
        count = counts.get(name, outbox.Counts(0, 0))
        heads = outbox.due(db, name, now + _SOON, 1)
        head = heads[0] if heads else None
        shown.append(
            TargetOverview(
                name,
                urls.get(name, ""),
                count.pending,
                count.dead,
                head.at if head else None,
                head.attempts if head else 0,
                head.last_error if head else "",
            )
        )
    return shown
