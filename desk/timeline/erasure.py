"""Erasing what entries say (个人信息保护法 art. 47) without breaking the chain."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from desk.db.schema import timeline
from desk.timeline.chain import Entry, append

ERASED = "timeline.erased"
MOST_AT_ONCE = 500
_ERASE = (
    update(timeline)
    .where(timeline.c.seq.in_(bindparam("seqs", expanding=True)), timeline.c.body.is_not(None))
    .values(body=None, salt=None)
)


def erase_bodies(
    db: Connection, seqs: Sequence[int], reason: str, now: datetime, actor: str = "system"
) -> Entry:
    """Erase the bodies of these entries for good, and record that and why.

    The hash of a body stays, and without the salt it tells nothing. An erasure that no entry
    records counts as tampering. What was already delivered elsewhere is not reached from here.

    Raises:
        ValueError: nothing to erase, or more than 500 entries at once.
    """
    wanted = sorted(set(seqs))
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise ValueError(f"{len(wanted)} entries to erase; pass 1 to {MOST_AT_ONCE} at once")
    db.execute(_ERASE, {"seqs": wanted})
    return append(db, kind=ERASED, body={"seqs": wanted, "reason": reason}, now=now, actor=actor)
