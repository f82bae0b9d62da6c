"""Requests that are safe to repeat: what was answered to an Idempotency-Key.

The row, with the answer, is written in the transaction of the request's effect, so there is neither
an effect whose key and answer are unknown nor a key without its effect. The insert comes first in
it: of two requests with the same key, the second waits for the first or finds its row.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, func, select, update

from desk.chores import Chore
from desk.db.insert import insert_unless_there
from desk.db.schema.account import served
from desk.db.types import moment
from desk.errors import DeskError, Refused
from desk.text import canonical, parsed

KEPT = timedelta(hours=24)
MOST_OF_ONE = 10_000  # keys of an owner
MOST_BODY = 256 * 1024  # a longer answer is not kept

R = TypeVar("R")
_CLAIM = insert_unless_there(served, ("owner", "operation", "key", "asked", "at"))


class KeyTaken(Refused):
    """Another request with this key was faster."""

    error_id = "idempotency-key-in-use"

    def __init__(self, key: str) -> None:
        super().__init__(f"another request with the key {key!r} is being served; ask again later")
        self.key = key


class TooManyKeys(DeskError):  # noqa: N818 - a state
    """An owner has used more keys than are kept."""

    error_id = "too-many-idempotency-keys"
    retryable = True

    def __init__(self) -> None:
        super().__init__(f"{MOST_OF_ONE} keys were used within a day; use them for writes alone")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `status` None: it is not kept, as it held a secret, was too long, or is
    that of an act outside the database which nobody saw the end of.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with a key: whose, of which operation, and the SHA-256 of what it says."""

    owner: str
    operation: str
    key: str
    digest: str


def digest_of(path: str, query: bytes, body: bytes, seen: str = "") -> str:
    """What makes two requests the same one; `seen`: what its asker may see of the answer."""
    found = hashlib.sha256()
    for part in (path.encode("utf-8", "replace"), query, body, seen.encode()):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def find(db: Connection, asked: Asked, now: datetime) -> tuple[str, Answer] | None:
    """What was asked with this key in the last 24 hours, and what was answered."""
    row = db.execute(select(served).where(*_is(asked))).one_or_none()
    if row is None or now - moment(row.at) >= KEPT:
        return None
    headers = parsed(row.headers) if row.headers is not None else {}
    return row.asked, Answer(row.status, headers, bytes(row.body or b""))


def claim(db: Connection, asked: Asked, now: datetime) -> None:
    """Take the key, as the first thing in the transaction of the effect.

    Raises:
        KeyTaken: another request has it.
        TooManyKeys: the owner has too many.
    """
    db.execute(delete(served).where(*_is(asked), served.c.at <= now - KEPT))
    some = select(served.c.key).where(served.c.owner == asked.owner).limit(MOST_OF_ONE)
    if db.execute(select(func.count()).select_from(some.subquery())).scalar_one() >= MOST_OF_ONE:
        raise TooManyKeys
    row = {
        "owner": asked.owner,
        "operation": asked.operation,
        "key": asked.key,
        "asked": asked.digest,
        "at": now,
    }
    if _CLAIM.execute(db, row).rowcount == 0:
        raise KeyTaken(asked.key)


def keep(db: Connection, asked: Asked, answer: Answer) -> None:
    """Keep what is answered to a key that was claimed."""
    if answer.status is None or len(answer.body) > MOST_BODY:
        return
    values = {
        "status": answer.status,
        "headers": canonical(dict(answer.headers)),
        "body": answer.body,
    }
    db.execute(update(served).where(*_is(asked)).values(**values))


def release(db: Connection, asked: Asked) -> None:
    """Give back a key whose request was refused."""
    db.execute(delete(served).where(*_is(asked)))


def once(
    db: Connection,
    asked: Asked,
    now: datetime,
    answer: Callable[[R], Answer],
    work: Callable[..., R],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> R:
    """Do `work` under a key, in one transaction with it and with what `answer` makes of the result.
    A refusal that is returned, not raised, leaves a trace, and no key.
    """
    claim(db, asked, now)
    result = work(db, *args, **kwargs)
    if isinstance(result, DeskError):
        release(db, asked)
    else:
        keep(db, asked, answer(result))
    return result


def forget(db: Connection, now: datetime, limit: int) -> int:
    """Delete keys that are a day old, at most `limit`; how many there were."""
    old = (
        select(served.c.owner, served.c.operation, served.c.key)
        .where(served.c.at <= now - KEPT)
        .order_by(served.c.at)
        .limit(limit)
    )
    rows = db.execute(old).all()
    for row in rows:
        db.execute(delete(served).where(*_is(Asked(row.owner, row.operation, row.key, ""))))
    return len(rows)


def served_chores() -> list[Chore]:
    """Forgetting keys when their day is over."""

    def next_at(db: Connection) -> datetime | None:
        oldest = db.execute(select(func.min(served.c.at))).scalar()
        return oldest + KEPT if oldest is not None else None

    return [Chore("served.forget", forget, next_at)]


def _is(asked: Asked) -> tuple[Any, ...]:
    return (
        served.c.owner == asked.owner,
        served.c.operation == asked.operation,
        served.c.key == asked.key,
    )
