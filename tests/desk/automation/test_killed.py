"""Three processes keep rules on one database and are killed and frozen at random: each rule has run
once for each cause, nothing it did is lost or doubled, and every customer was told once.

`HUISHENG_HARMS=200` makes the storm long; `HUISHENG_SEED` repeats one.
"""

import os
import random
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk import timeline
from desk.automation import AutomationSettings
from desk.chores import Chore, catch_up
from desk.db.engine import Database
from desk.errors import DeskError
from desk.service import ServiceSettings, chores
from desk.tickets import By, Role, closing, steps
from desk.tickets.ticket import get
from tests.desk.automation.cases import START, opened, rules, settle
from tests.desk.processes import Clock, Herd, counted, doubled, entries, quiet, storm

HARMS = int(os.environ.get("HUISHENG_HARMS", "12"))
SEED = int(os.environ.get("HUISHENG_SEED", "0")) or random.SystemRandom().randrange(1 << 30)
SPEED = 900.0  # a second is a quarter of an hour
MOST_OPEN = 60
LI = By("agent:8001", Role.AGENT)

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(600)]

RULES = rules(
    "name: solved\non: [ticket.resolved]\ndo:\n  - webhook: {name: solved}\n"
    "  - task: {title: '回访 {{ number }}', to: '{assignee}'}",
    "name: slow\nin_status: in_progress\nafter: 10m\ndo:\n  - webhook: {name: slow}",
    "name: again\nin_status: resolved\nevery: 10m\nmost: 5\ndo:\n  - webhook: {name: again}",
)
SETTINGS = ServiceSettings(automation=AutomationSettings(most_per_ticket=1000, most_per_rule=1000))


def all_chores() -> list[Chore]:
    """What a process of the service keeps."""
    return chores(SETTINGS)


class Load:
    """Cases that are opened, solved and come back while processes die."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock, self._open = db, clock, 0
        self._calls = 0

    async def __call__(self, chance: random.Random) -> None:
        self._calls += 1
        if self._calls == HARMS // 2:  # chance alone may solve nothing in so short a time
            await self.one("start", "resolve")
        now = self._clock()
        if self._open < 3 or (self._open < MOST_OPEN and chance.random() < 0.3):
            self._open = (await self._db.write(opened, f"c{self._open}", now)).id
            return
        with suppress(DeskError):  # what the lifecycle refuses
            which = chance.randint(max(1, self._open - 8), self._open)
            await self._db.write(_go, which, chance.choice(["start", "resolve", "reopen"]), now)

    async def one(self, *steps: str) -> None:
        """A case that takes these steps at once."""
        self._open = (await self._db.write(opened, f"c{self._open}", self._clock())).id
        for how in steps:
            await self._db.write(_go, self._open, how, self._clock())


def _go(db: Connection, ticket_id: int, how: str, now: datetime) -> None:
    seen = get(db, ticket_id)
    assert seen is not None
    if how == "start":
        steps.start(db, ticket_id, now, by=LI, expected_version=seen.version)
    elif how == "resolve":
        closing.resolve(db, ticket_id, "换件", now, by=LI, expected_version=seen.version)
    else:
        closing.reopen(db, ticket_id, "还坏", now, by=LI, expected_version=seen.version)


async def test_each_rule_runs_once_for_each_cause_whoever_dies_in_the_middle(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    clock = Clock(START, SPEED, tmp_path / "stopped")
    async with await Database.open(database_url, wait_seconds=20) as db:
        await db.write(settle, RULES)
        await catch_up(db, all_chores(), clock)  # from here on followers follow
        async with Herd(database_url, f"{__name__}:all_chores", clock, tmp_path) as herd:
            load = Load(db, clock)
            await storm(herd, chance, HARMS, load)
            await load.one("start", "resolve")
            await load.one("start")
            end = clock.stop(later=timedelta(hours=1))  # their timers have come
            await quiet(herd, db, all_chores(), seconds=60 + HARMS)
        await catch_up(db, all_chores(), lambda: end)
        told = await entries(db)
        verdict = await db.read(timeline.verify)
        runs = await db.read(_runs)
        sent = await db.read(_told)
    about = f"seed {SEED}, {dict(herd.harmed)}, {len(told)} entries"
    assert verdict.intact, about
    assert [entry.kind for entry in told if entry.kind == "timeline.put_aside"] == [], about
    ran = counted(told, "rule.ran", "rule", "cause")
    assert doubled(ran) == [], about
    assert {(rule, cause) for _, rule, cause in ran} == set(runs), about
    causes = {f"entry:{entry.seq}" for entry in told if entry.kind == "ticket.resolved"}
    assert {cause for rule, cause in runs if rule == "solved"} == causes, f"lost: {about}"
    assert len(causes) >= 2, f"one in the storm, one after it: {about}"
    for name in ("solved", "slow", "again"):
        hooks = [e for e in told if e.kind == "rule.webhook" and (e.body or {})["name"] == name]
        assert hooks, f"{name}: {about}"
        assert len(hooks) == sum(rule == name for rule, _ in runs), f"{name}: {about}"
    tasks = counted(told, "task.added", "task_id")
    assert len(tasks) == len(causes), about
    assert doubled(tasks) == [], about
    assert len(sent) == len(set(sent)), f"a customer was told twice: {about}"


def _runs(db: Connection) -> list[tuple[str, str]]:
    return [(row.rule, row.cause) for row in db.execute(text(
        "SELECT rule, cause FROM automation_runs"))]  # fmt: skip


def _told(db: Connection) -> list[tuple[int, int, str]]:
    query = "SELECT ticket_id, cycle, template FROM messages WHERE template != 'opened'"
    return [(row.ticket_id, row.cycle, row.template) for row in db.execute(text(query))]
