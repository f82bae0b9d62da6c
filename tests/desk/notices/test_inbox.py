"""Whoever has to know is told once, and reads it in an inbox that nobody else's reading empties."""

from datetime import timedelta

import pytest

from desk import notices, timeline
from desk.db.engine import Database
from desk.notices import BadAddress, Inbox, NewNotice, NoSuchNotice
from tests.rig.samples import NOW, call_with_ticket, count

ZHANG = Inbox.of("zhang.min", ["zhang.min", "agent:8001", "张敏"], "agent", "天津")
LI = Inbox.of("li.qiang", ["li.qiang", "agent:8002"], "lead", "天津")
WANG = Inbox.of("wang", ["wang"], "supervisor", "")


async def told(db: Database, to: str, key: str = "k", kind: str = "rule") -> int | None:
    return await db.write(notices.notify, NewNotice(to, kind, f"给 {to}", key), NOW)


async def seen(db: Database, inbox: Inbox, **which: object) -> list[str]:
    return [one.to for one in await db.read(notices.of_inbox, inbox, **which)]  # type: ignore[arg-type]


async def test_nobody_is_told_of_one_thing_twice(db: Database) -> None:
    assert await told(db, "agent:8001") is not None
    assert await told(db, "agent:8001") is None
    assert await told(db, " agent:8001 ") is None
    assert await told(db, "agent:8002") is not None, "another one is told of the same thing"
    assert await told(db, "agent:8001", "k2") is not None
    assert await db.read(count, "notices") == 3
    entries = await db.read(timeline.entries_after, 0, 9)
    assert [entry.kind for entry in entries] == ["notice.sent"] * 3


async def test_a_notice_reaches_its_person_team_or_role_and_no_other(db: Database) -> None:
    people = ("zhang.min", "agent:8001", "张敏", "agent:8002")
    places = ("team:天津", "team:北京", "role:lead@天津", "role:lead@北京", "role:supervisor@北京")
    for to in (*people, *places, "role:supervisor"):
        await told(db, to)
    assert await seen(db, ZHANG) == ["team:天津", "张敏", "agent:8001", "zhang.min"]
    assert await seen(db, LI) == ["role:lead@天津", "team:天津", "agent:8002"]
    assert await seen(db, WANG) == ["role:supervisor", "role:supervisor@北京"]
    assert ZHANG.holds("team:天津")
    assert WANG.holds("role:supervisor@北京")
    assert not LI.holds("role:lead@北京")


async def test_each_of_a_team_reads_for_himself(db: Database) -> None:
    first = await told(db, "team:天津")
    second = await told(db, "team:天津", "k2")
    await told(db, "agent:8001", "k3")
    assert first is not None
    assert second is not None
    later = NOW + timedelta(minutes=1)
    await db.write(notices.read, ZHANG, first, later)
    await db.write(notices.read, ZHANG, first, later + timedelta(minutes=1))
    assert (await db.read(notices.unread, ZHANG), await db.read(notices.unread, LI)) == (2, 2)
    assert await db.write(notices.read_all, ZHANG, second, later) == 1
    assert await db.read(notices.unread, ZHANG) == 1, "what came after he looked is still new"
    assert await seen(db, ZHANG, unread=True) == ["agent:8001"]
    read = {one.id: one.read_at for one in await db.read(notices.of_inbox, ZHANG)}
    assert (read[first], read[second]) == (later, later)
    with pytest.raises(NoSuchNotice):
        await db.write(notices.read, LI, 3, later)


async def test_a_long_inbox_is_read_page_by_page_and_by_ticket(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    for number in range(5):
        about = NewNotice("zhang.min", "rule", "x", f"k{number}", ticket.id if number < 2 else None)
        await db.write(notices.notify, about, NOW)
    page = await db.read(notices.of_inbox, ZHANG, limit=3)
    assert [one.id for one in page] == [5, 4, 3]
    assert [one.id for one in await db.read(notices.of_inbox, ZHANG, before=3)] == [2, 1]
    found = await db.read(notices.of_inbox, ZHANG, ticket_id=ticket.id)
    assert [one.number for one in found] == ["100014", "100014"]


async def test_old_notices_are_forgotten_with_who_read_them(db: Database) -> None:
    await told(db, "zhang.min")
    await db.write(notices.read, ZHANG, 1, NOW)
    assert await db.write(notices.forget, NOW, 10) == 0
    assert await db.write(notices.forget, NOW + timedelta(seconds=1), 10) == 1
    assert (await db.read(count, "notices"), await db.read(count, "notice_reads")) == (0, 0)


@pytest.mark.parametrize(
    "to", ["", " ", "team:", "agent: ", "role:", "role:Lead", "role:lead@", "role:a@b@c", "a\nb",
           "x" * 131]
)  # fmt: skip
async def test_a_notice_to_nobody_is_refused(db: Database, to: str) -> None:
    with pytest.raises(BadAddress, match="address"):
        await told(db, to)
    assert await db.read(count, "notices") == 0
