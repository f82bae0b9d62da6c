"""What the table of transitions says that a step triggers, happens: each trigger is known by its
effect, with all that the service does by itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from desk import customers, journal, messages, sla, surveys, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.db.schema.outbound import outbound_requests
from desk.db.schema.teamwork import notices as sent
from desk.errors import NotPossibleNow
from desk.house import House, declare
from desk.links import LinkSettings
from desk.outbound import revisits
from desk.region import locate
from desk.service import ServiceSettings, chores
from desk.teamwork import watching
from desk.tickets import NewTicket, closing, merging, steps, voiding
from desk.tickets.lifecycle import TABLE
from desk.tickets.states import Action, Status, Trigger
from desk.tickets.survivors import survivor_of
from tests.desk.lifecycle.cases import AGENT, LEAD, SUPERVISOR, spoken, talk
from tests.desk.sla.books import book
from tests.rig.samples import NOW, begin

HOUR = timedelta(hours=1)
LINKS = LinkSettings(base_url="https://desk.example.com")
MOBILE = "13812345678"
EFFECTS: dict[Trigger, Callable[[Connection], bool]] = {
    Trigger.NOTIFY_ASSIGNEE: lambda db: told(db, "assigned", "张敏"),
    Trigger.PAUSE_CLOCK: lambda db: clock(db) == "paused",
    Trigger.RESUME_CLOCK: lambda db: clock(db) == "running",
    Trigger.STOP_CLOCK: lambda db: clock(db) in ("met", "stopped"),
    Trigger.NOTIFY_ESCALATION: lambda db: told(db, "escalated", "role:lead@天津"),
    Trigger.TELL_CUSTOMER: lambda db: any(
        message.template in ("resolved", "confirm_link") for message in messages.of_ticket(db, 1)
    ),
    Trigger.ASK_CONFIRMATION: lambda db: counted(db, outbound_requests) > 0,
    Trigger.SURVEY: lambda db: len(surveys.of_ticket(db, 1)) > 0,
    Trigger.REVISIT: lambda db: may_be_revisited(db),
    Trigger.NEW_CYCLE: lambda db: ticket(db).cycle == 2,
    Trigger.RAISE_PRIORITY: lambda db: ticket(db).priority == closing.REOPENED,
    Trigger.SAMPLE_CHECK: lambda db: told(db, "void_check", "role:supervisor@天津"),
    Trigger.FOLLOW_SURVIVOR: lambda db: survivor_of(db, 1) == 2 and watches(db, 2),
    Trigger.LEAVE_SURVIVOR: lambda db: survivor_of(db, 1) == 1,
}
"""Each about ticket 1, whose survivor is 2."""
LIVES: dict[Action, str] = {
    Action.ASSIGN: "assign",
    Action.START: "assign start wait start",
    Action.WAIT: "assign start wait",
    Action.ESCALATE: "assign start wait escalate",
    Action.RESOLVE: "assign start resolve",
    Action.CONFIRM: "assign start resolve confirm",
    Action.OVERRIDE: "assign start resolve override",
    Action.SOLVE_IN_CALL: "assign solve_in_call",
    Action.REOPEN: "assign start resolve reopen",
    Action.VOID: "assign void",
    Action.MERGE: "assign merge",
    Action.UNMERGE: "assign merge unmerge",
}
"""A life that ends with each action."""


def ticket(db: Connection) -> tickets.Ticket:
    found = tickets.get(db, 1)
    assert found is not None
    return found


def told(db: Connection, kind: str, to: str) -> bool:
    query = select(sent.c.id).where(sent.c.kind == kind, sent.c.recipient == to)
    return db.execute(query).first() is not None


def clock(db: Connection) -> str:
    [*_, found] = [one for one in sla.stored_clocks(db, 1) if one.target == "resolution"]
    return str(found.state)


def counted(db: Connection, table: Any) -> int:
    found: int = db.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def may_be_revisited(db: Connection) -> bool:
    try:
        return bool(revisits.plan(db, 1, 30, 2, NOW, actor="li").visits)
    except NotPossibleNow:
        return False


def watches(db: Connection, ticket_id: int) -> bool:
    return "li" in [one.watcher for one in watching.of_ticket(db, ticket_id)]


def given(db: Connection) -> None:
    """Ticket 1 of a customer with a mobile, with a watcher, and ticket 2."""
    sla.apply(db, book(), NOW)
    declare(db, House(void_sample=1.0), NOW)
    customers.import_csv(db, f"name,numbers\n王小明,{MOBILE}\n", NOW)
    for number in (1, 2):
        begin(db, f"c{number}", locate(MOBILE))
        new = NewTicket("consult", "空调", call_id=f"c{number}", customer_ids=(1,))
        tickets.open_ticket(db, new, NOW)
    spoken(db, "c1")
    watching.watch(db, 1, "li", NOW, by=AGENT)


def take(db: Connection, action: str) -> None:
    how: dict[str, Any] = {"by": AGENT, "expected_version": ticket(db).version}
    boss = how | {"by": SUPERVISOR}
    match action:
        case "assign":
            place: dict[str, Any] = {"team": "天津", "assignee": "张敏"}
            steps.assign(db, 1, NOW, **(how | {"by": LEAD}), **place)
        case "start":
            steps.start(db, 1, NOW, **how)
        case "wait":
            steps.wait(db, 1, "等照片", NOW, **how)
        case "escalate":
            steps.escalate(db, 1, "难", NOW, **how)
        case "resolve":
            closing.resolve(db, 1, "换了板", NOW, **how)
        case "confirm":
            closing.confirm(db, 1, talk("c1"), NOW, **how)
        case "override":
            closing.override(db, 1, "王莉", "联系不上", NOW, **boss)
        case "solve_in_call":
            closing.solve_in_call(db, 1, "重启", talk("c1"), NOW, **how)
        case "reopen":
            closing.reopen(db, 1, "又坏了", NOW, **how)
        case "void":
            voiding.void(db, 1, "test", NOW, **how)
        case "merge":
            merging.merge(db, 1, 2, NOW, **how)
        case "unmerge":
            merging.unmerge(db, 1, "不同", NOW, **boss)


def end_call(db: Connection) -> None:
    """The talk is over: what waits for that happens."""
    journal.end(db, "c1", "completed", NOW)


def test_every_trigger_has_an_effect_to_look_for() -> None:
    assert set(EFFECTS) == set(Trigger)
    assert set(LIVES) == set(Action)


@pytest.mark.parametrize("action", list(Action))
async def test_what_a_step_triggers_happens(db: Database, action: Action) -> None:
    service = chores(ServiceSettings(links=LINKS))
    await catch_up(db, service, lambda: NOW)
    await db.write(given)
    for each in LIVES[action].split():
        await db.write(take, each)
        await catch_up(db, service, lambda: NOW)
    await db.write(end_call)
    await catch_up(db, service, lambda: NOW + timedelta(seconds=1))
    assert (await db.read(tickets.history.of_ticket, 1))[-1].action is action
    wanted = {
        trigger
        for row in TABLE
        if row.action is action and Status(_before(action)) in row.sources
        for trigger in row.triggers
    }
    for trigger in wanted:
        assert await db.write(EFFECTS[trigger]), f"{trigger} after {action}"


def _before(action: Action) -> str:
    """Where the last step of the life begins."""
    return {
        "assign": "accepted", "start": "waiting_customer", "wait": "in_progress",
        "escalate": "waiting_customer", "resolve": "in_progress", "confirm": "resolved",
        "override": "resolved", "solve_in_call": "assigned", "reopen": "resolved",
        "void": "assigned", "merge": "assigned", "unmerge": "merged",
    }[action.value]  # fmt: skip
