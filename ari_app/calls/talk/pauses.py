"""When something was said that stands in a recording: what was said in pauses does not, so what
follows a pause stands earlier in the file than it was said.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from desk import timeline
from desk.timeline import Entry

PAUSED, RESUMED = "recording.paused", "recording.resumed"
PAGE = 1000

Pause = tuple[datetime, datetime | None]
"""From when to when nothing was kept; None: to the end of the talk."""


def pauses_in(db: Connection, call_id: str) -> list[Pause]:
    """The pauses of a call's recordings, in their order. A read."""
    found: list[Entry] = []
    after = 0
    while page := timeline.entries_after(db, after, PAGE, call_id=call_id):
        found += (entry for entry in page if entry.kind in (PAUSED, RESUMED))
        after = page[-1].seq
    return pauses_of(found)


def pauses_of(entries: Iterable[Entry]) -> list[Pause]:
    """The pauses that a call's timeline tells of."""
    pauses: list[Pause] = []
    for entry in entries:
        is_open = bool(pauses) and pauses[-1][1] is None
        if entry.kind == PAUSED and not is_open:
            pauses.append((entry.at, None))
        elif entry.kind == RESUMED and is_open:
            pauses[-1] = (pauses[-1][0], entry.at)
    return pauses


def said_at(began: datetime, seconds: float, pauses: Sequence[Pause]) -> datetime:
    """When that was said which stands `seconds` into a recording that `began` then."""
    at = began + timedelta(seconds=seconds)
    for start, end in pauses:
        if end is not None and end > began and max(start, began) <= at:
            at += end - max(start, began)
    return at
