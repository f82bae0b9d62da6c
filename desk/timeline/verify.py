"""Verifying the chain: an edited, deleted, inserted or reordered entry shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from desk.db.schema import timeline, timeline_head
from desk.db.types import iso
from desk.text import parsed
from desk.timeline.chain import GENESIS, body_hash, entry_hash
from desk.timeline.erasure import ERASED

CHUNK = 1000
MOST_FLAWS = 100

_ENDS = select(
    timeline_head.c.seq,
    timeline_head.c.hash,
    select(func.max(timeline.c.seq)).scalar_subquery().label("newest"),
)
_HASH_AT = select(timeline.c.hash).where(timeline.c.seq == bindparam("of_seq"))
_CHUNK = (
    select(timeline)
    .where(timeline.c.seq > bindparam("after"), timeline.c.seq <= bindparam("last"))
    .order_by(timeline.c.seq)
    .limit(CHUNK)
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is not as it was written. `seq` is where it shows."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found.

    Attributes:
        entries: how many were read.
        erased: how many bodies are erased, as recorded.
        head: the hash of the newest entry; note it elsewhere to be able to show later that the
            history before it is still the same.
        flaws: the first hundred, empty if all is well.
    """

    entries: int
    erased: int
    head: str
    flaws: tuple[Flaw, ...]

    @property
    def intact(self) -> bool:
        """Nothing was changed since it was written."""
        return not self.flaws


def verify(db: Connection, *, newest: int | None = None) -> Verdict:
    """Read the timeline, a thousand entries at a time, and check every hash.

    Args:
        newest: check only so many entries at the end, beginning with their link to the one before
            them; a quick look, which a change further back escapes. None: all.
    """
    ends = db.execute(_ENDS).one_or_none()
    if ends is None:
        return Verdict(0, 0, "", (Flaw(0, "the head of the chain is missing"),))
    check, after = _Check(), -1
    if newest is not None and newest < ends.seq:
        after = check.seq = ends.seq - newest
        # A missing one is told as a flaw of the entry that should follow it.
        check.previous = db.execute(_HASH_AT, {"of_seq": after}).scalar() or GENESIS
    for row in _rows(db, after, ends.seq):
        check.take(row)
    check.finish(ends.seq, ends.hash, ends.newest or 0)
    flaws = tuple(sorted(check.flaws, key=lambda flaw: flaw.seq)[:MOST_FLAWS])
    return Verdict(check.entries, len(check.gone) + check.erased, check.previous, flaws)


def _rows(db: Connection, after: int, last: int) -> Iterator[Row[Any]]:
    while True:
        rows = db.execute(_CHUNK, {"after": after, "last": last}).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1].seq


class _Check:
    """The state of one pass over the chain."""

    def __init__(self) -> None:
        self.previous = GENESIS
        self.seq = 0
        self.entries = 0
        self.erased = 0
        self.gone: set[int] = set()  # bodies that are missing, so far without a record of erasure
        self.flaws: list[Flaw] = []

    def take(self, row: Row[Any]) -> None:
        """Check one entry against those before it."""
        self.entries += 1
        if row.seq != self.seq + 1:
            self._flaw(row.seq, f"entries {self.seq + 1} to {row.seq - 1} are missing")
        self.seq = row.seq
        if row.body is None:
            self.gone.add(row.seq)
        elif row.salt is None or body_hash(row.salt, row.body) != row.body_hash:
            self._flaw(row.seq, "the body was changed")
        elif row.kind == ERASED:
            recorded = self.gone.intersection(parsed(row.body)["seqs"])
            self.gone -= recorded
            self.erased += len(recorded)
        expected = entry_hash(
            self.previous,
            row.seq,
            iso(row.at),
            row.kind,
            row.call_id,
            row.ticket_id,
            row.customer_id,
            row.actor,
            row.body_hash,
        )
        if row.hash != expected:
            self._flaw(row.seq, "the entry was changed, or does not follow the one before it")
        # Going on from the stored hash reports each flaw once, not everything after it.
        self.previous = row.hash

    def finish(self, head_seq: int, head_hash: str, newest: int) -> None:
        """Check the end of the chain."""
        for seq in self.gone:
            self._flaw(seq, "the body is missing and no entry records its erasure")
        if self.seq < head_seq:
            self._flaw(head_seq, f"entries {self.seq + 1} to {head_seq} are missing at the end")
        elif self.previous != head_hash:
            self._flaw(head_seq, "the head of the chain does not match the newest entry")
        if newest > head_seq:
            self._flaw(newest, f"entries {head_seq + 1} to {newest} were never appended properly")

    def _flaw(self, seq: int, what: str) -> None:
        if len(self.flaws) < 10 * MOST_FLAWS:
            self.flaws.append(Flaw(seq, what))
