"""What rules bring about, at once or much later, is theirs; what others write meanwhile is not."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection

from desk import messages, tasks, timeline
from desk.automation import RunState
from desk.db.engine import Database
from desk.messages.sending import Sent
from desk.tasks import task_chores
from tests.desk.automation.cases import TEMPLATES, TOOLS, Desk, opened
from tests.desk.automation.test_running import begun, say
from tests.desk.messages.cases import send

DONE, STOPPED = RunState.DONE, RunState.STOPPED


async def states(desk: Desk) -> list[RunState]:
    return [run.state for run in await desk.runs()]


async def test_rules_that_set_each_other_off_by_timers_are_stopped(db: Database) -> None:
    desk = await begun(
        db, "name: later\non: [note.added]\nafter: 2h\ndo:\n  - note: {text: '{{ text }}!'}"
    )
    await desk.do(say)
    for _ in range(12):  # never twice in an hour
        desk.clock.on(hours=2)
        await desk.work()
    assert await states(desk) == [DONE] * 5 + [STOPPED]


async def test_a_rule_that_follows_its_own_messages_is_stopped(db: Database) -> None:
    desk = await begun(db, "name: echo\non: [message.sent]\ndo:\n  - sms: {template: opened}")

    def writes(c: Connection, now: datetime) -> None:
        messages.tell(c, TEMPLATES, "opened", 1, "by hand", now)

    await desk.do(writes)
    for _ in range(12):
        desk.clock.on(hours=24)
        await desk.do(lambda c, now: send(c, Sent(), now) and None)
    assert await states(desk) == [DONE] * 5 + [STOPPED]


async def test_a_rule_that_follows_its_own_late_tasks_is_stopped(db: Database) -> None:
    again = "task: {title: x, to: '{assignee}', due: 2h}"
    desk = await begun(db, f"name: again\non: [task.overdue]\ndo:\n  - {again}")
    desk.chores = [*task_chores(), *desk.chores]

    def gives(c: Connection, now: datetime) -> None:
        tasks.add(c, tasks.NewTask("x", "agent:8001", "by hand", now, 1), now, actor="agent:8001")

    await desk.do(gives)
    for _ in range(12):
        desk.clock.on(hours=2)
        await desk.work()
    assert await states(desk) == [DONE] * 5 + [STOPPED]


async def test_what_a_rule_does_to_another_case_is_its_doing_there_too(db: Database) -> None:
    desk = await begun(
        db,
        "name: pairs\non: [ticket.opened]\ndo:\n  - link: {to: same_number, kind: related}",
        "name: told\non: [ticket.linked]\ndo:\n  - webhook: {name: linked}",
    )
    await desk.do(lambda c, now: opened(c, "c2", now) and None)
    assert {(run.ticket_id, run.depth) for run in await desk.runs(rule="told")} == {(1, 1), (2, 1)}


async def test_what_others_write_while_a_rule_runs_is_not_its_doing(
    db: Database, database_url: str
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer")

    def noted(c: Connection, now: datetime) -> None:
        timeline.append(c, kind="note.added", body={"text": "x"}, now=now, ticket_id=1)

    async def elsewhere(now: datetime) -> None:
        async with await Database.open(database_url) as other:
            await other.write(noted, now)

    def survey(_c: Connection, _ticket_id: int, now: datetime) -> bool:
        """Somebody writes before the rule has written anything."""
        with ThreadPoolExecutor(1) as beside:
            beside.submit(asyncio.run, elsewhere(now)).result(60)
        return True

    desk = Desk(db, tools=replace(TOOLS, survey=survey))
    await desk.begin(
        "name: first\non: [ticket.opened]\ndo:\n  - survey: {}\n  - webhook: {name: w}",
        "name: second\non: [note.added]\ndo:\n  - webhook: {name: w}",
    )
    await desk.do(lambda c, now: opened(c, now=now) and None)
    assert [(run.rule, run.depth) for run in await desk.runs()] == [("first", 0), ("second", 0)]
