"""The clockwork of the recordings' folder: delete what is past its time, encrypt what lies open,
tell of files that nobody knows. Each may be stopped or die at any point and is simply run again.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import structlog

from desk.db.engine import Database
from desk.recordings.errors import StoreError
from desk.recordings.intake import PART, PLAIN, SEALED, KeptFile
from desk.recordings.keeping import deleted, encrypted, expired, files_of, unencrypted
from desk.recordings.recordings import Recording
from desk.recordings.settings import RetentionSettings
from desk.recordings.store import Store

log = structlog.get_logger()

BATCH = 100
PLACED_DAYS = 30
"""Recordings of calls that we placed are evidence for so long (MIIT, June 2020)."""
YOUNG = timedelta(days=1)
"""A file without a recording may still get one before it is so old."""


async def retire(
    db: Database,
    store: Store,
    settings: RetentionSettings,
    now: datetime,
    *,
    placed_days: int = 30,
) -> int:
    """Delete the files of recordings past their time, and note it; how many. Age alone counts,
    from the end of the recording; what became of the ticket does not matter. Those of calls that
    we placed are kept for `placed_days` at least.

    The file goes first: whoever dies in between finds the recording again at the next run. A file
    that cannot be deleted is told in the log and left for the next run.

    Raises:
        DatabaseError: the desk does not answer; run it again.
    """
    done = 0
    for kind, days in settings:
        if days is None:
            continue
        stuck: set[int] = set()
        before = now - timedelta(days=days)
        placed_before = now - timedelta(days=max(placed_days, PLACED_DAYS))
        while batch := await _expired(db, kind, before, placed_before, stuck):
            for recording in batch:
                try:
                    await asyncio.to_thread(store.delete, recording)
                except StoreError as error:
                    log.error("recording not deleted", call=recording.call_id, error=str(error))
                    stuck.add(recording.id)
                    continue
                reason = f"older than {days} days"
                await db.write(deleted, recording.id, now, reason=reason)
                done += 1
    if done:
        log.info("recordings past their time deleted", count=done)
    return done


async def _expired(
    db: Database, kind: str, before: datetime, placed_before: datetime, stuck: set[int]
) -> list[Recording]:
    most = BATCH + len(stuck)
    found = await db.read(expired, kind, before, most, placed_before=placed_before)
    return [recording for recording in found if recording.id not in stuck]


async def seal(db: Database, store: Store, now: datetime) -> int:
    """Encrypt files that lie open, where the store encrypts: those from before it did, and
    messages that Asterisk wrote into the folder itself. What waits to be transcribed is left until
    it has been. Returns how many.

    Raises:
        DatabaseError: the desk does not answer; run it again.
    """
    done, after = 0, 0
    while store.encrypts and (batch := await db.read(unencrypted, after, BATCH)):
        after = batch[-1].id
        for recording in batch:
            try:
                kept = await asyncio.to_thread(_sealed, store, recording)
                await db.write(encrypted, recording.id, kept, now)
                await asyncio.to_thread(store.delete, recording)
            except StoreError as error:
                log.error("recording not encrypted", call=recording.call_id, error=str(error))
                continue
            done += 1
    return done


def _sealed(store: Store, recording: Recording) -> KeptFile:
    store.verify(recording)
    return store.keep(recording.name, store.locate(recording))


async def orphans(db: Database, store: Store, now: datetime) -> list[Path]:
    """Files older than a day that belong to no recording: told in the log, and left. Removed is
    only what is certainly superfluous: what a process was writing when it died, and the open form
    of a recording whose encrypted form is kept.

    Raises:
        DatabaseError: the desk does not answer; run it again.
    """
    files = store.files((now - YOUNG).timestamp())
    found: list[Path] = []
    while batch := await asyncio.to_thread(_batch, files):
        known = await db.read(files_of, [_name(path) for path in batch])
        for path in batch:
            if path.suffix == PART or f"{path.name}{SEALED.removeprefix(PLAIN)}" in known:
                await asyncio.to_thread(path.unlink, missing_ok=True)
            elif path.name not in known:
                found.append(path)
    if found:
        log.warning(
            "files that belong to no recording",
            folder=str(store.folder),
            count=len(found),
            first=[path.name for path in found[:5]],
            mend="move them away once you know what they are",
        )
    return found


def _batch(files: Iterator[Path]) -> list[Path]:
    return list(islice(files, BATCH))


def _name(path: Path) -> str:
    """The name of the recording to which a file would belong."""
    return path.name.removesuffix(SEALED).removesuffix(PLAIN)
