"""Sequences are given in commit order: who resumes after n has missed nothing up to n."""

import asyncio

import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from desk import timeline
from desk.api.feed import Feed
from desk.db.engine import Database
from tests.rig.samples import NOW

pytestmark = pytest.mark.postgres


def _tell(connection: Connection, kind: str) -> int:
    return timeline.append(connection, kind=kind, body={}, now=NOW).seq


async def test_a_late_commit_of_another_process_is_never_skipped(
    database_url: str, db: Database
) -> None:
    """The other one has written its entry and not committed; a third begins later and wants to
    commit first. It waits, so nobody ever sees its entry without the first one's.
    """
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has one writer")
    feed = Feed(db, 1)
    following = asyncio.create_task(feed.run())
    other = create_async_engine(database_url.replace("postgresql", "postgresql+asyncpg", 1))
    seen: list[tuple[int, str]] = []
    with feed.place():
        entries = feed.entries(0, 0.2)
        assert await anext(entries) == []
        async with other.connect() as late:
            first = await late.run_sync(_tell, "x.late")
            second = asyncio.ensure_future(db.write(_tell, "x.early"))
            for _ in range(3):
                assert await anext(entries) == [], "neither is seen while the first may still fail"
            assert not second.done()
            await late.commit()
        assert [first, await second] == [1, 2]
        while len(seen) < 2:
            seen += [(entry.seq, entry.kind) for entry in await anext(entries)]  # type: ignore[union-attr]
        await entries.aclose()
    assert seen == [(1, "x.late"), (2, "x.early")]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await other.dispose()


async def test_an_entry_that_was_undone_leaves_no_gap(db: Database) -> None:
    def undone(connection: Connection) -> None:
        _tell(connection, "x.undone")
        raise KeyError("undone")

    with pytest.raises(KeyError):
        await db.write(undone)
    assert await db.write(_tell, "x.next") == 1
