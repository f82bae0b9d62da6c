"""What service levels do by themselves: follow the timeline, reckon anew, escalate in time."""

from datetime import datetime

from sqlalchemy import Connection

from desk.chores import DUE, Chore
from desk.sla.editions import recomputing
from desk.sla.escalation import fire_due, next_due
from desk.sla.following import behind, follow, recompute


def sla_chores() -> list[Chore]:
    """Follow before escalating: what was just solved is known then."""
    return [
        Chore("sla.follow", _follow, behind),
        Chore("sla.recompute", _recompute, _to_recompute),
        Chore("sla.escalate", _escalate, next_due),
    ]


def _follow(db: Connection, _now: datetime, limit: int) -> int:
    return follow(db, limit)


def _recompute(db: Connection, _now: datetime, limit: int) -> int:
    if recomputing(db) is None:
        return 0
    recompute(db, limit)
    return 1


def _to_recompute(db: Connection) -> datetime | None:
    return DUE if recomputing(db) is not None else None


def _escalate(db: Connection, now: datetime, limit: int) -> int:
    return len(fire_due(db, now, limit))
