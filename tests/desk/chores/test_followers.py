"""Followers: what the timeline says is reacted to once, in order, whatever fails or dies."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from desk import chores, timeline
from desk.chores import Chore, Entry, follower
from desk.chores.followers import BLOCK, MOST_ATTEMPTS
from desk.db.engine import Database
from desk.errors import DatabaseUnavailable
from tests.rig.samples import NOW


class Clock:
    """A clock that stands until it is put on."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def say(db: Connection, kind: str, **body: Any) -> int:
    return timeline.append(db, kind=kind, body=body, now=NOW).seq


def several(db: Connection, kind: str, count: int) -> None:
    for number in range(count):
        say(db, kind, number=number)


def seen(db: Connection, kind: str = "echo.heard") -> list[Any]:
    entries = timeline.entries_after(db, 0, 1000)
    return [entry.body["of"] for entry in entries if entry.kind == kind and entry.body is not None]


def echo(db: Connection, entry: Entry, now: datetime) -> None:
    timeline.append(db, kind="echo.heard", body={"of": entry.body["number"]}, now=now)


def failing(wrong: Callable[[Entry], bool]) -> Callable[[Connection, Entry, datetime], None]:
    """Echoes, then raises where `wrong`: what it wrote before must not be kept."""

    def react(db: Connection, entry: Entry, now: datetime) -> None:
        echo(db, entry, now)
        if wrong(entry):
            raise KeyError("no such thing")

    return react


async def begun(db: Database, chore: Chore) -> Chore:
    await chores.catch_up(db, [chore], lambda: NOW)
    return chore


async def test_it_hears_what_it_wants_once_and_in_order(db: Database) -> None:
    await db.write(say, "ticket.opened", number=0)
    chore = await begun(db, follower("echo", ("ticket.", "note.added"), echo))
    for number, kind in enumerate(["ticket.opened", "call.ended", "note.added", "notes.x"], 1):
        await db.write(say, kind, number=number)
    await chores.catch_up(db, [chore], lambda: NOW)
    await chores.catch_up(db, [chore], lambda: NOW)
    assert await db.read(seen) == [1, 3], "what was before it began is not its business"


async def test_what_it_does_not_heed_is_passed_for_good_and_what_it_heeds_is_not(
    db: Database,
) -> None:
    heeded = {"ticket.opened"}

    def heeds(_: Connection) -> Callable[[str], bool]:
        return heeded.__contains__

    chore = await begun(db, follower("echo", ("ticket.",), echo, heeds=heeds))
    for number, kind in enumerate(["ticket.edited", "ticket.opened", "ticket.edited"]):
        await db.write(say, kind, number=number)
    await chores.catch_up(db, [chore], lambda: NOW)
    heeded.add("ticket.edited")
    await chores.catch_up(db, [chore], lambda: NOW)
    assert await db.read(seen) == [1], "what is past is not heeded later"
    await db.write(say, "ticket.edited", number=3)
    await chores.catch_up(db, [chore], lambda: NOW)
    assert await db.read(seen) == [1, 3]


async def test_one_that_wants_the_past_gets_it(db: Database) -> None:
    await db.write(several, "ticket.opened", 3)
    chore = follower("echo", ("ticket.",), echo, from_start=True)
    await chores.catch_up(db, [chore], lambda: NOW)
    assert await db.read(seen) == [0, 1, 2]


async def test_what_does_not_matter_costs_a_write_only_now_and_then(db: Database) -> None:
    chore = await begun(db, follower("echo", ("ticket.",), echo))
    await db.write(several, "call.held", BLOCK - 1)
    assert await db.read(chore.next_at) is None
    await db.write(several, "call.held", BLOCK)
    await db.write(say, "ticket.opened", number=7)
    await chores.catch_up(db, [chore], lambda: NOW)
    assert await db.read(seen) == [7]


async def test_a_reaction_that_fails_leaves_nothing_and_is_tried_again_later(db: Database) -> None:
    broken = True
    chore = await begun(db, follower("echo", ("ticket.",), failing(lambda _: broken)))
    await db.write(several, "ticket.opened", 2)
    now = Clock()
    with capture_logs(), pytest.raises(RuntimeError, match="no such thing"):
        await chores.catch_up(db, [chore], now)
    assert await db.read(seen) == []
    again_at = await db.read(chore.next_at)
    assert again_at is not None
    assert again_at > NOW
    broken = False
    assert await db.write(chore.work, NOW, 20) == 0, "not before its time"
    now.at = again_at
    await chores.catch_up(db, [chore], now)
    assert await db.read(seen) == [0, 1]


async def test_an_entry_that_always_fails_is_put_aside_loudly_and_blocks_nobody(
    db: Database,
) -> None:
    broken = True
    react = failing(lambda entry: broken and entry.body["number"] == 1)
    chore = await begun(db, follower("echo", ("ticket.",), react))
    await db.write(several, "ticket.opened", 3)
    now, tries = Clock(), 0
    with capture_logs() as logs:
        while (at := await db.read(chore.next_at)) is not None:
            now.at = max(now.at, at)
            await db.write(chore.work, now(), 20)
            tries += 1
    assert await db.read(seen) == [0, 2]
    assert now.at - NOW < timedelta(minutes=30)
    assert [log["log_level"] for log in logs].count("warning") == MOST_ATTEMPTS - 1
    (loud,) = (log for log in logs if log["log_level"] == "error")
    assert loud["follower"] == "echo"
    (aside,) = await db.read(chores.asides)
    assert (aside.follower, aside.kind, aside.error) == (
        "echo",
        "ticket.opened",
        "KeyError: 'no such thing'",
    )
    told = [
        e for e in await db.read(timeline.entries_after, 0, 100) if e.kind == "timeline.put_aside"
    ]
    assert [entry.body["seq"] for entry in told if entry.body] == [aside.seq]
    broken = False
    assert await db.write(chores.again) == 1
    await chores.catch_up(db, [chore], now)
    assert await db.read(seen) == [0, 2, 1]
    assert await db.read(chores.asides) == []


async def test_an_aside_that_fails_again_stays_aside(db: Database) -> None:
    chore = await begun(db, follower("echo", ("ticket.",), failing(lambda _: True)))
    await db.write(say, "ticket.opened", number=0)
    now = Clock()
    with capture_logs():
        while (at := await db.read(chore.next_at)) is not None:
            now.at = max(now.at, at)
            await db.write(chore.work, now(), 20)
        assert await db.write(chores.again, "echo", 1) == 1
        await chores.catch_up(db, [chore], now)
    assert len(await db.read(chores.asides)) == 1
    assert await db.read(seen) == []


async def test_trouble_of_the_database_is_not_the_entrys_fault(db: Database) -> None:
    def react(connection: Connection, entry: Entry, now: datetime) -> None:
        raise MemoryError

    chore = await begun(db, follower("echo", ("ticket.",), react))
    await db.write(say, "ticket.opened", number=0)
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises((MemoryError, DatabaseUnavailable)):
            await db.write(chore.work, NOW, 20)
    assert await db.read(chores.asides) == []
    assert (await db.read(chores.standing))[0].attempts == 0


async def test_a_constraint_that_refuses_is_the_entrys_fault_and_spoils_nothing(
    db: Database,
) -> None:
    def react(connection: Connection, entry: Entry, now: datetime) -> None:
        echo(connection, entry, now)
        if entry.body["number"] == 1:
            connection.execute(text("INSERT INTO timeline_head (id, seq, hash) VALUES (2, 0, '')"))

    chore = await begun(db, follower("echo", ("ticket.",), react))
    await db.write(several, "ticket.opened", 3)
    now = Clock()
    with capture_logs():
        while (at := await db.read(chore.next_at)) is not None:
            now.at = max(now.at, at)
            await db.write(chore.work, now(), 20)
    assert await db.read(seen) == [0, 2]
    assert (await db.read(timeline.verify)).intact


async def test_two_followers_do_not_wait_for_each_other(db: Database) -> None:
    one = await begun(db, follower("one", ("ticket.",), failing(lambda _: True)))
    other = await begun(db, follower("other", ("ticket.",), echo))
    await db.write(several, "ticket.opened", 2)
    with capture_logs(), pytest.raises(RuntimeError, match="one cannot react"):
        await chores.catch_up(db, [one, other], lambda: NOW)
    assert await db.read(seen) == [0, 1]
