"""What happens to a ticket reaches those whom it concerns, each of them once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from desk import notices, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.db.schema.teamwork import notices as table
from desk.notices import Inbox
from desk.notices.following import notice_chores
from desk.notices.settings import NoticeSettings
from desk.numbering import ticket_number
from desk.tickets import closing, handovers, steps
from desk.tickets.overdue import mark_overdue
from tests.desk.lifecycle.cases import AGENT, LATER, LEAD, OTHER, begun, opened, resolved
from tests.rig.samples import NOW, count

SETTINGS = NoticeSettings(managers=["role:supervisor", "boss"], keep_days=30)
CHORES = notice_chores(SETTINGS)
ZHANG = Inbox.of("zhang", ["zhang", "张敏"], "agent", "天津")
LEADER = Inbox.of("leader", ["leader"], "lead", "天津")
BOSS = Inbox.of("boss", ["boss"], "supervisor", "")


@pytest.fixture
async def following(db: Database) -> AsyncIterator[Database]:
    await catch_up(db, CHORES, lambda: NOW)
    yield db
    await catch_up(db, CHORES, lambda: NOW)


async def told(db: Database, inbox: Inbox) -> list[tuple[str, str]]:
    await catch_up(db, CHORES, lambda: LATER)
    found = await db.read(notices.of_inbox, inbox)
    return [(one.kind, one.to) for one in reversed(found)]


async def test_who_gets_a_ticket_is_told_or_else_the_team(following: Database) -> None:
    db = following
    one, two = await db.write(opened, "c1"), await db.write(opened, "c2")
    await db.write(
        steps.assign, one.id, NOW, by=LEAD, expected_version=1, team="天津", assignee="张敏"
    )
    await db.write(steps.assign, two.id, NOW, by=LEAD, expected_version=1, team="天津")
    assert await told(db, ZHANG) == [("assigned", "张敏"), ("assigned", "team:天津")]
    await catch_up(db, CHORES, lambda: NOW)
    assert await db.read(count, "notices") == 2, "looking again tells nobody again"


async def test_who_takes_a_ticket_himself_is_not_told(following: Database) -> None:
    db = following
    ticket = await db.write(opened)
    await db.write(steps.assign, ticket.id, NOW, by=AGENT, expected_version=1, assignee=AGENT.actor)
    assert await told(db, Inbox.of(AGENT.actor, [AGENT.actor], "agent", "")) == []


async def test_teams_hear_of_hand_overs(following: Database) -> None:
    db = following
    ticket = await db.write(begun)
    await db.write(
        steps.assign, ticket.id, NOW, by=AGENT, expected_version=2, team="北京", assignee="x"
    )
    await db.write(handovers.ask, ticket.id, "天津", "上门", NOW, by=AGENT, expected_version=3)
    assert await told(db, ZHANG) == [("handover", "team:天津")]
    await db.write(mark_overdue, NOW + timedelta(hours=1))
    assert await told(db, LEADER) == [("handover", "team:天津"), ("handover", "role:lead@天津")]
    await db.write(handovers.refuse, ticket.id, "不归", LATER, by=OTHER, expected_version=4)
    beijing = Inbox.of("li", ["li"], "lead", "北京")
    assert await told(db, beijing) == [("handover", "role:lead@北京"), ("handover", "team:北京")]
    await db.write(handovers.ask, ticket.id, "天津", "上门", NOW, by=AGENT, expected_version=5)
    await db.write(handovers.withdraw, ticket.id, NOW, by=AGENT, expected_version=6)
    assert len(await told(db, ZHANG)) == 3


@pytest.mark.parametrize(
    ("step", "team", "assignee", "whom"),
    [
        ("agent", "天津", "张敏", {"张敏"}),
        ("agent", "天津", "", {"team:天津"}),
        ("agent", "", "", {"role:supervisor"}),
        ("lead", "天津", "张敏", {"role:lead@天津"}),
        ("lead", "", "", {"role:supervisor"}),
        ("supervisor", "天津", "", {"role:supervisor@天津"}),
        ("manager", "天津", "", {"role:supervisor", "boss"}),
    ],
)
async def test_each_step_of_an_escalation_reaches_its_role(
    following: Database, step: str, team: str, assignee: str, whom: set[str]
) -> None:
    db = following
    ticket = await db.write(opened)
    if team:
        await db.write(
            steps.assign, ticket.id, NOW, by=LEAD, expected_version=1, team=team,
            assignee=assignee or None,
        )  # fmt: skip
    await catch_up(db, CHORES, lambda: NOW)
    body: dict[str, Any] = {
        "number": ticket_number(ticket.id), "target": "resolution", "cycle": 1, "step": step,
        "team": team, "colour": "red",
    }  # fmt: skip
    for _ in range(2):
        await db.write(
            lambda c: timeline.append(c, kind="sla.escalated", body=body, now=NOW, ticket_id=1)
        )
    await catch_up(db, CHORES, lambda: NOW)
    found = await db.read(_all)
    assert {(to, text) for to, kind, text in found if kind == "sla"} == {
        (to, "工单 100014 解决已超时 overdue") for to in whom
    }
    assert sum(kind == "sla" for _, kind, _ in found) == 2 * len(whom), "each entry once"


async def test_who_had_solved_it_hears_that_it_is_not_solved(following: Database) -> None:
    db = following
    ticket = await db.write(resolved)
    await db.write(closing.reopen, ticket.id, "又坏了", LATER, by=LEAD, expected_version=3)
    agent = Inbox.of(AGENT.actor, [AGENT.actor], "agent", "")
    assert ("reopened", AGENT.actor) in await told(db, agent)


async def test_supervisors_of_all_teams_hear_of_each(following: Database) -> None:
    db = following
    await db.write(notices.notify, notices.NewNotice("role:supervisor@天津", "x", "x", "k"), NOW)
    assert await told(db, BOSS) == [("x", "role:supervisor@天津")]


async def test_what_was_told_long_ago_is_forgotten(following: Database) -> None:
    db = following
    await db.write(notices.notify, notices.NewNotice("boss", "x", "x", "k"), NOW)
    await catch_up(db, CHORES, lambda: NOW + timedelta(days=30))
    assert await db.read(count, "notices") == 1
    await catch_up(db, CHORES, lambda: NOW + timedelta(days=30, seconds=1))
    assert await db.read(count, "notices") == 0


def _all(db: Connection) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in db.execute(select(table.c.recipient, table.c.kind, table.c.text))]
