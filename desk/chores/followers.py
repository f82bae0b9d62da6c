"""Followers: chores that react to what the timeline says, to each entry once and in its order.

A follower's cursor is a row that is moved in the transaction of the reaction. Whoever dies in the
middle has done nothing, and whoever comes next goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from desk.chores.chore import DUE, Chore
from desk.chores.failures import passing
from desk.db.insert import insert_unless_there
from desk.db.prepared import Prepared
from desk.db.schema.history import follower_asides, followers, timeline
from desk.db.types import moment
from desk.text import storable
from desk.timeline import append, entry, last_seq

MOST_ATTEMPTS = 6
FIRST_WAIT = timedelta(seconds=1)
"""After the first failure; four times as long after each further one, six minutes in all."""
BLOCK = 100
"""Entries looked at in one go; so many that do not matter are passed over with one write."""

log = structlog.get_logger()

_STANDING = Prepared(
    select(followers.c.seq, followers.c.retry_at, followers.c.again).where(
        followers.c.name == bindparam("of_name")
    )
)
_BEGIN = insert_unless_there(followers, ("name", "seq"))
_CLAIM = Prepared(
    select(followers.c.seq, followers.c.attempts, followers.c.retry_at, followers.c.again)
    .where(followers.c.name == bindparam("of_name"))
    .with_for_update(skip_locked=True)
)
_MOVE = Prepared(
    update(followers)
    .where(followers.c.name == bindparam("of_name"))
    .values(seq=bindparam("new_seq"), attempts=0, retry_at=None, error="")
)
_NO_MORE = update(followers).where(followers.c.name == bindparam("of_name")).values(again=0)
_ASIDE = (
    select(follower_asides.c.seq)
    .where(follower_asides.c.follower == bindparam("of_name"), follower_asides.c.again == 1)
    .order_by(follower_asides.c.seq)
    .limit(1)
)
_OF_ASIDE = (
    follower_asides.c.follower == bindparam("of_name"),
    follower_asides.c.seq == bindparam("of_seq"),
)
_DONE = delete(follower_asides).where(*_OF_ASIDE)
_FAILED_AGAIN = (
    update(follower_asides).where(*_OF_ASIDE).values(again=0, error=bindparam("new_error"))
)
_FAILED = (
    update(followers)
    .where(followers.c.name == bindparam("of_name"))
    .values(
        attempts=bindparam("new_attempts"),
        retry_at=bindparam("new_retry_at"),
        error=bindparam("new_error"),
    )
)
_BLOCK = Prepared(
    select(timeline.c.seq, timeline.c.kind, timeline.c.at)
    .where(timeline.c.seq > bindparam("after"))
    .order_by(timeline.c.seq)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the timeline as followers get it. `body` is empty once it was erased."""

    seq: int
    at: datetime
    kind: str
    call_id: str | None
    ticket_id: int | None
    customer_id: int | None
    actor: str
    body: dict[str, Any]


React = Callable[[Connection, Entry, datetime], None]
Heeds = Callable[[Connection], Callable[[str], bool]]


def follower(
    name: str,
    prefixes: tuple[str, ...],
    react: React,
    *,
    from_start: bool = False,
    heeds: Heeds | None = None,
) -> Chore:
    """A chore that calls `react(db, entry, now)` for each entry whose kind begins with one of
    `prefixes` (`("ticket.resolved", "handover.")`), once, in order, in its own transaction.

    A reaction that raises is undone and tried again later; what comes after waits. After
    `MOST_ATTEMPTS` its entry is put aside: told loudly, kept for `again`, and passed over.

    Args:
        name: of its cursor: at most 60 characters, never to be changed.
        from_start: a follower that is new begins with the first entry there is, not at the
            present end.
        heeds: asked once for many entries, which of their kinds `react` does anything about; the
            others are passed at no cost. None: all.
    """
    wanted = _Follower(name, prefixes, react, from_start, heeds)
    return Chore(name, wanted.work, wanted.next_at)


def idle(chore: Chore) -> Chore:
    """The chore of something that is switched off. A follower lets entries pass, so that they are
    not caught up with when it is switched on; another chore is never due.
    """
    doing = getattr(chore.work, "__self__", None)
    if isinstance(doing, _Follower):
        return follower(doing.name, doing.prefixes, _let_pass, from_start=doing.from_start)
    return Chore(chore.name, lambda _db, _now, _limit: 0, lambda _db: None)


def _let_pass(_db: Connection, _entry: Entry, _now: datetime) -> None:
    """React to nothing."""


@dataclass(frozen=True, slots=True)
class _Follower:
    name: str
    prefixes: tuple[str, ...]
    react: React
    from_start: bool
    heeds: Heeds | None = None

    def next_at(self, db: Connection) -> datetime | None:
        row = _STANDING.execute(db, {"of_name": self.name}).fetchone()
        if row is None:
            return DUE
        seq, retry_at, again = row
        if again:
            return DUE
        if retry_at is not None:
            return moment(retry_at)
        return next_of(db, seq, self.prefixes)

    def work(self, db: Connection, now: datetime, limit: int) -> int:
        row = _CLAIM.execute(db, {"of_name": self.name}).fetchone()
        if row is None:
            return self._begin(db)
        seq, attempts, retry_at, again = row
        if again:
            return self._again(db, now)
        if retry_at is not None and moment(retry_at) > now:
            return 0
        block = _BLOCK.execute(db, {"after": seq, "most": BLOCK}).fetchall()
        heeds = self.heeds(db) if self.heeds is not None else None
        done, passed, reached = 0, False, seq
        for here, kind, _ in block:
            if kind.startswith(self.prefixes) and heeds is not None and not heeds(kind):
                passed = True  # for good, whatever is heeded later
            elif kind.startswith(self.prefixes):
                if done == limit or (done and _holds_the_head(db)):
                    break
                error = self._try(db, here, now)
                if error is not None:
                    if reached > seq:
                        attempts = 0
                    self._move(db, seq, reached)
                    return done + self._failed(db, here, kind, attempts + 1, error, now)
                done += 1
            reached = here
        if done or passed or reached - seq >= BLOCK:
            self._move(db, seq, reached)
            return max(done, 1)
        return 0

    def _begin(self, db: Connection) -> int:
        if _STANDING.execute(db, {"of_name": self.name}).fetchone() is not None:
            return 0  # another process is at it
        row = {"name": self.name, "seq": 0 if self.from_start else last_seq(db)}
        return int(_BEGIN.execute(db, row).rowcount > 0)

    def _again(self, db: Connection, now: datetime) -> int:
        """Try once more an entry that was put aside and is wanted again."""
        seq = db.execute(_ASIDE, {"of_name": self.name}).scalar()
        if seq is None:
            db.execute(_NO_MORE, {"of_name": self.name})
            return 1
        error = self._try(db, seq, now)
        of = {"of_name": self.name, "of_seq": seq}
        if error is None:
            db.execute(_DONE, of)
        else:
            told = _told(error)
            db.execute(_FAILED_AGAIN, of | {"new_error": told})
            log.warning("a reaction failed again", follower=self.name, seq=seq, error=told)
        return 1

    def _try(self, db: Connection, seq: int, now: datetime) -> Exception | None:
        found = entry_of(db, seq)
        try:
            with db.begin_nested():
                self.react(db, found, now)
        except Exception as error:
            if passing(db, error):
                raise
            return error
        return None

    def _move(self, db: Connection, seq: int, reached: int) -> None:
        if reached > seq:
            _MOVE.execute(db, {"of_name": self.name, "new_seq": reached})

    def _failed(
        self, db: Connection, seq: int, kind: str, attempt: int, error: Exception, now: datetime
    ) -> int:
        """Note a failure; at the last attempt put the entry aside. Returns 1 if that was done."""
        told = _told(error)
        about = {"follower": self.name, "seq": seq, "kind": kind, "error": told}
        if attempt < MOST_ATTEMPTS:
            values = {
                "of_name": self.name,
                "new_attempts": attempt,
                "new_retry_at": now + FIRST_WAIT * 4 ** (attempt - 1),
                "new_error": told,
            }
            db.execute(_FAILED, values)
            log.warning("a reaction failed", attempt=attempt, exc_info=error, **about)
            return 0
        row = {**about, "at": now}
        db.execute(insert(follower_asides), row)
        _MOVE.execute(db, {"of_name": self.name, "new_seq": seq})
        append(db, kind="timeline.put_aside", body={**about, "attempts": attempt}, now=now)
        log.error(
            "an entry was put aside", exc_info=error,
            mend="mend the cause, then `huisheng chores again`", **about,
        )  # fmt: skip
        return 1


def next_of(db: Connection, seq: int, prefixes: tuple[str, ...]) -> datetime | None:
    """When the next entry beyond `seq` that begins so was written. `DUE`: so many come first that
    do not matter that it is time to pass them over; None: there is none."""
    block = _BLOCK.execute(db, {"after": seq, "most": BLOCK}).fetchall()
    for _, kind, at in block:
        if kind.startswith(prefixes):
            return moment(at)
    return DUE if len(block) == BLOCK else None


def entry_of(db: Connection, seq: int) -> Entry:
    """The entry with this `seq`, which exists."""
    found = entry(db, seq)
    if found is None:
        raise LookupError(f"the timeline has no entry {seq}; `huisheng audit verify` tells more")
    return Entry(
        seq=found.seq,
        at=found.at,
        kind=found.kind,
        call_id=found.call_id,
        ticket_id=found.ticket_id,
        customer_id=found.customer_id,
        actor=found.actor,
        body=dict(found.body or {}),
    )


def _told(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}", 500)


def _holds_the_head(db: Connection) -> bool:
    """Who has appended holds the busiest lock, and must not wait for a ticket then: its holder
    may wait for the head. SQLite has one writer and no such trouble."""
    return db.dialect.name != "sqlite" and "advanced" in db.info
