"""What a rule lets happen after a time happens then, once, and not if the case has moved on."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from desk import automation, tickets
from desk.automation import automation_chores, timers
from desk.automation.settings import AutomationSettings
from desk.chores import keep
from desk.db.engine import Database
from desk.routing.levels import set_priority
from desk.tickets import merging
from tests.crm_bridge.virtual import MemoryDatabase
from tests.desk.automation.cases import LI, START, TEMPLATES, TOOLS, Clock, Desk, opened, rules

REMIND = "name: remind\nin_status: waiting_customer\nafter: 24h\ndo:\n  - sms: {template: waiting}"
REPEAT = (
    "name: repeat\nin_status: waiting_customer\nevery: 24h\nmost: 3\ndo:\n  - webhook: {name: w}"
)
LATER = "name: later\non: [ticket.started]\nafter: 2h\ndo:\n  - label: {add: [两小时]}"


async def waiting(db: Database, *texts: str) -> Desk:
    desk = Desk(db)
    await desk.begin(*texts)
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("wait", "等照片")
    return desk


async def test_a_customer_is_reminded_after_a_day_and_only_once(db: Database) -> None:
    desk = await waiting(db, REMIND)
    desk.clock.on(hours=23, minutes=59)
    await desk.work()
    assert await desk.sent() == []
    desk.clock.on(minutes=1)
    await desk.work()
    desk.clock.on(days=3)
    await desk.work()
    assert await desk.sent() == ["waiting"]
    run = (await desk.runs())[0]
    assert (run.kind, run.rule) == ("timer", "remind")


async def test_who_has_answered_is_not_reminded(db: Database) -> None:
    desk = await waiting(db, REMIND)
    await desk.step("start")
    desk.clock.on(days=2)
    await desk.work()
    assert await desk.sent() == []
    assert await db.read(timers.of_ticket, 1) == []


async def test_waiting_anew_counts_anew(db: Database) -> None:
    desk = await waiting(db, REMIND)
    desk.clock.on(hours=20)
    await desk.step("start")
    await desk.step("wait", "再等")
    desk.clock.on(hours=20)
    await desk.work()
    assert await desk.sent() == []
    desk.clock.on(hours=4)
    await desk.work()
    assert await desk.sent() == ["waiting"]


async def test_another_assignee_while_waiting_does_not_put_the_reminder_off(db: Database) -> None:
    desk = await waiting(db, REMIND)
    desk.clock.on(hours=12)

    def reassign(connection: Connection, now: datetime) -> None:
        seen = tickets.get(connection, 1)
        assert seen is not None
        tickets.steps.assign(
            connection, 1, now, by=LI, expected_version=seen.version, assignee="agent:8002"
        )

    await desk.do(reassign)
    desk.clock.on(hours=12)
    await desk.work()
    assert await desk.sent() == ["waiting"]


async def test_a_timer_asks_its_condition_when_its_time_comes(db: Database) -> None:
    desk = await waiting(db, REMIND.replace("do:", "when: ticket.priority == 0\ndo:"))
    await desk.do(lambda c, now: set_priority(c, 1, 50, now, reason="x") and None)
    desk.clock.on(days=2)
    await desk.work()
    assert await desk.runs() == []


async def test_what_repeats_does_so_at_its_distance_and_ends(db: Database) -> None:
    desk = await waiting(db, REPEAT)
    at = []
    for _ in range(24 * 6):
        desk.clock.on(hours=1)
        before = len(await desk.runs())
        await desk.work()
        if len(await desk.runs()) > before:
            at.append(desk.clock.now - START)
    assert at == [timedelta(hours=24), timedelta(hours=48), timedelta(hours=72)]


async def test_after_a_long_standstill_what_was_missed_happens_once(db: Database) -> None:
    desk = await waiting(db, REPEAT)
    desk.clock.on(days=10)
    await desk.work()
    assert len(await desk.runs()) == 1
    desk.clock.on(hours=24)
    await desk.work()
    assert len(await desk.runs()) == 2


async def test_something_happens_so_long_after_an_event_whatever_came_between(
    db: Database,
) -> None:
    desk = await waiting(db, LATER)
    desk.clock.on(hours=2)
    await desk.work()
    assert "两小时" in (await desk.ticket()).labels


async def test_a_case_that_was_merged_into_another_is_left_alone(db: Database) -> None:
    desk = await waiting(db, LATER)
    await desk.do(lambda c, now: opened(c, "c2", now) and None)

    def merge(connection: Connection, now: datetime) -> None:
        merging.merge(connection, 1, 2, now, by=tickets.SYSTEM, expected_version=None)

    await desk.do(merge)
    desk.clock.on(hours=3)
    await desk.work()
    assert await desk.runs() == []
    assert await desk.rows("SELECT * FROM automation_timers") == []


async def activate(desk: Desk, *texts: str) -> None:
    await desk.db.write(
        lambda c: (
            automation.activate(c, rules(*texts), TEMPLATES, desk.clock.now, actor="test") and None
        )
    )
    await desk.work()


async def test_a_new_rule_counts_for_cases_that_wait_already(db: Database) -> None:
    desk = await waiting(db)
    desk.clock.on(hours=10)
    await activate(desk, REMIND)
    desk.clock.on(hours=14)
    await desk.work()
    assert await desk.sent() == ["waiting"]


async def test_a_new_rule_does_not_fire_at_once_on_everything_that_is_old(db: Database) -> None:
    desk = await waiting(db)
    desk.clock.on(hours=30)
    await activate(desk, REMIND)
    desk.clock.on(days=30)
    await desk.work()
    assert await desk.sent() == []


async def test_a_change_of_another_rule_neither_repeats_nor_forgets_a_timer(
    db: Database,
) -> None:
    desk = await waiting(db, REMIND, REPEAT)
    desk.clock.on(hours=24)
    await desk.work()
    await activate(desk, REMIND, REPEAT, LATER)
    assert [run.rule for run in await desk.runs()] == ["remind", "repeat"]
    desk.clock.on(hours=24)
    await desk.work()
    assert [run.rule for run in await desk.runs()] == ["remind", "repeat", "repeat"]


async def test_a_rule_that_was_taken_out_or_changed_lets_go_of_its_timers(db: Database) -> None:
    desk = await waiting(db, REMIND)
    await activate(desk, REMIND.replace("24h", "48h"))
    desk.clock.on(hours=24)
    await desk.work()
    assert await desk.sent() == []
    desk.clock.on(hours=24)
    await desk.work()
    assert await desk.sent() == ["waiting"]


@pytest.mark.looptime
async def test_a_day_later_the_keeper_wakes_up_by_itself() -> None:
    """In virtual time: the loop jumps to what chores say is next."""

    def now() -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    memory: Any = MemoryDatabase()
    desk = Desk(memory, Clock(now()))
    await desk.begin(REMIND)
    await desk.do(lambda c, at: opened(c, now=at) and None)
    await desk.step("start")
    await desk.step("wait", "x")
    chores = automation_chores(TOOLS, AutomationSettings())
    keeper = asyncio.create_task(keep(memory, chores, now, most_seconds=7 * 86400))
    try:
        await asyncio.sleep(timedelta(hours=23, minutes=59).total_seconds())
        assert await desk.sent() == []
        await asyncio.sleep(90)
        assert await desk.sent() == ["waiting"]
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
