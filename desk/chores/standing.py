"""How followers stand, for operators: who lags, who fails, what was put aside."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from desk.db.schema.history import follower_asides, followers
from desk.timeline import last_seq


@dataclass(frozen=True, slots=True)
class Standing:
    """A follower.

    Attributes:
        behind: entries that it has not looked at; up to a hundred that do not matter to it are
            no sign of trouble.
        attempts: of its present entry that failed.
        error: of the last of them; `""`: none.
    """

    name: str
    seq: int
    behind: int
    attempts: int
    retry_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Aside:
    """An entry that a follower could not react to."""

    follower: str
    seq: int
    kind: str
    error: str
    at: datetime


def standing(db: Connection) -> list[Standing]:
    """Every follower there ever was, by name."""
    head = last_seq(db)
    return [
        Standing(row.name, row.seq, head - row.seq, row.attempts, row.retry_at, row.error)
        for row in db.execute(select(followers).order_by(followers.c.name))
    ]


def asides(db: Connection, limit: int = 100) -> list[Aside]:
    """What was put aside, oldest first."""
    query = select(follower_asides).order_by(follower_asides.c.seq, follower_asides.c.follower)
    return [
        Aside(row.follower, row.seq, row.kind, row.error, row.at)
        for row in db.execute(query.limit(limit))
    ]


def again(db: Connection, follower: str | None = None, seq: int | None = None) -> int:
    """Have entries that were put aside tried once more: all, a follower's, or one of them.
    Returns how many. Whoever keeps chores does it within half a minute."""
    wanted, theirs = update(follower_asides), update(followers)
    if follower is not None:
        wanted = wanted.where(follower_asides.c.follower == follower)
        theirs = theirs.where(followers.c.name == follower)
    if seq is not None:
        wanted = wanted.where(follower_asides.c.seq == seq)
    marked = db.execute(wanted.values(again=1)).rowcount
    if marked:
        db.execute(theirs.values(again=1))
    return marked
