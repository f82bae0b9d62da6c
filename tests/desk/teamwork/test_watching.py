"""Who watches a ticket hears of it, and who stops watching does not."""

import pytest

from desk import notices, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.notices import BadAddress, Inbox
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.teamwork import watching
from desk.teamwork.chores import teamwork_chores
from desk.teamwork.watching import Cause, TooManyWatchers
from desk.tickets import merging, steps
from tests.desk.lifecycle.cases import AGENT, LEAD, opened
from tests.rig.samples import NOW

CHORES = [*teamwork_chores(), *notice_chores(NoticeSettings())]
ZHANG = Inbox.of("zhang.min", ["zhang.min"], "agent", "")


async def heard(db: Database, inbox: Inbox = ZHANG) -> list[tuple[str, str]]:
    await catch_up(db, CHORES, lambda: NOW)
    return [(one.kind, one.text) for one in await db.read(notices.of_inbox, inbox)][::-1]


async def test_a_watcher_is_told_of_it_and_of_what_happens_until_he_stops(db: Database) -> None:
    await catch_up(db, CHORES, lambda: NOW)
    ticket = await db.write(opened)
    assert await db.write(watching.watch, ticket.id, "zhang.min", NOW, by=AGENT)
    assert not await db.write(watching.watch, ticket.id, "zhang.min", NOW, by=AGENT)
    await db.write(steps.start, ticket.id, NOW, by=AGENT, expected_version=1)
    assert await heard(db) == [
        ("watching", "您开始关注工单 100014 · you watch ticket 100014 now"),
        ("watched", "关注的工单 100014:开始处理 started(agent:8001)"),
    ]
    assert await db.read(watching.watched_by, ZHANG.addresses) == ["100014"]
    assert await db.write(watching.unwatch, ticket.id, "zhang.min", NOW, by=AGENT)
    assert not await db.write(watching.unwatch, ticket.id, "zhang.min", NOW, by=AGENT)
    await db.write(steps.wait, ticket.id, "照片", NOW, by=AGENT, expected_version=2)
    assert len(await heard(db)) == 2
    kinds = [e.kind for e in await db.read(timeline.entries_after, 0, 99, ticket_id=ticket.id)]
    assert kinds.count("watcher.added") == kinds.count("watcher.removed") == 1


async def test_nobody_is_told_of_his_own_doing(db: Database) -> None:
    await catch_up(db, CHORES, lambda: NOW)
    ticket = await db.write(opened)
    await db.write(watching.watch, ticket.id, AGENT.actor, NOW, by=AGENT)
    await db.write(steps.start, ticket.id, NOW, by=AGENT, expected_version=1)
    assert await heard(db, Inbox.of(AGENT.actor, [AGENT.actor], "agent", "")) == []


async def test_watchers_go_along_when_tickets_become_one(db: Database) -> None:
    await catch_up(db, CHORES, lambda: NOW)
    one, two = await db.write(opened, "c1"), await db.write(opened, "c2")
    for watcher in ("zhang.min", "li"):
        await db.write(watching.watch, one.id, watcher, NOW, by=LEAD)
    await db.write(watching.watch, two.id, "li", NOW, by=LEAD)
    await db.write(merging.merge, one.id, two.id, NOW, by=AGENT, expected_version=1)
    await catch_up(db, CHORES, lambda: NOW)
    found = await db.read(watching.of_ticket, two.id)
    assert [(each.watcher, each.cause) for each in found] == [
        ("li", Cause.HAND),
        ("zhang.min", Cause.RULE),
    ]


async def test_a_ticket_is_not_watched_by_a_crowd_or_by_nobody(db: Database) -> None:
    ticket = await db.write(opened)
    with pytest.raises(BadAddress):
        await db.write(watching.watch, ticket.id, "team:", NOW, by=AGENT)
    for number in range(watching.MOST):
        await db.write(watching.watch, ticket.id, f"a{number}", NOW, by=AGENT)
    with pytest.raises(TooManyWatchers, match="100014"):
        await db.write(watching.watch, ticket.id, "one.more", NOW, by=AGENT)
    assert len(await db.read(watching.of_ticket, ticket.id)) == watching.MOST
