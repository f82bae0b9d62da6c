"""What a chore is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

DUE = datetime(1970, 1, 1, tzinfo=UTC)
"""What `next_at` returns if there is something to do at once, whenever that is."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that is to be done when its time comes, by whichever process looks first.

    Attributes:
        name: stable and unique, for logs.
        work: `work(db, now, limit)` does at most `limit` things in one transaction and returns how
            many; 0: there is nothing to do now, or another process is at it. What it does and its
            mark that it is done are in that transaction, so each thing is done once, whoever
            dies. It may be repeated and changes nothing but the database.
        next_at: when there will be something to do if nothing is written before; now or earlier:
            there is; None: not before something is written. Only reads, and is asked often.
    """

    name: str
    work: Callable[[Connection, datetime, int], int]
    next_at: Callable[[Connection], datetime | None]
