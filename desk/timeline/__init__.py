"""The timeline: everything that happened, in commit order, in one hash chain."""

from desk.timeline.chain import (
    WRITTEN,
    Entry,
    append,
    entries_after,
    entries_within,
    entry,
    last_seq,
)
from desk.timeline.erasure import ERASED, erase_bodies
from desk.timeline.verify import Flaw, Verdict, verify

__all__ = [
    "ERASED",
    "WRITTEN",
    "Entry",
    "Flaw",
    "Verdict",
    "append",
    "entries_after",
    "entries_within",
    "entry",
    "erase_bodies",
    "last_seq",
    "verify",
]
