"""A rule runs once for each cause, whatever dies; nothing goes round without an end; and whoever
asks is told what rules did and why."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from desk import journal, tickets
from desk.automation import RunState, automation_chores, effects
from desk.automation.chores import PREFIXES
from desk.automation.doing import Doing
from desk.automation.following import reaction
from desk.automation.settings import AutomationSettings
from desk.chores import asides, follower
from desk.db.engine import Database
from desk.errors import DatabaseBusy
from desk.house import declare
from desk.tickets import notes
from tests.desk.automation.cases import HOUSE, START, TOOLS, Desk, opened

NOTED = (
    "name: noted\non: [note.added]\nwhen: event.actor == 'agent:8001'\ndo:\n  - label: {add: [a]}"
)


async def begun(db: Database, *texts: str) -> Desk:
    desk = Desk(db)
    await desk.begin(*texts)
    await desk.do(lambda c, now: opened(c, now=now) and None)
    return desk


def say(db: Connection, now: datetime, words: str = "x") -> None:
    notes.add(db, 1, words, now, by=tickets.By("agent:8001", tickets.Role.AGENT))


async def test_the_run_log_says_what_set_a_rule_off_why_and_what_it_did(db: Database) -> None:
    desk = await begun(
        db,
        'name: a\non: [note.added]\nwhen: \'$mentions(event.text, ["律师", "起诉"])\'\ndo:\n'
        "  - label: {add: [法务]}\n  - reopen: {reason: x}\n  - note: {text: 已转法务}",
    )
    await desk.do(lambda c, now: say(c, now, "客户说要找律师"))
    run = (await desk.runs())[-1]
    assert (run.rule, run.kind, run.number, run.depth, run.state) == (
        "a", "note.added", "100014", 0, RunState.FAILED,
    )  # fmt: skip
    assert run.clauses[0]["mentioned"] == ["律师"]
    assert [(a["do"], a["outcome"]) for a in run.actions] == [
        ("label", "done"), ("reopen", "failed"), ("note", "done"),
    ]  # fmt: skip
    assert "does not lead on" in run.actions[1]["told"]
    assert "rule.ran" in await desk.kinds()


async def test_rules_are_asked_in_their_order_each_on_what_the_one_before_left(
    db: Database,
) -> None:
    desk = await begun(
        db,
        "name: first\non: [note.added]\nwhen: event.actor == 'agent:8001'\ndo:\n"
        "  - assign: {team: 北京}",
        "name: second\non: [note.added]\nwhen: ticket.team == '北京'\ndo:\n  - label: {add: [b]}\n"
        "stop: true",
        "name: third\non: [note.added]\ndo:\n  - label: {add: [c]}",
    )
    await desk.do(say)
    assert [run.rule for run in await desk.runs()] == ["first", "second"]
    assert "b" in (await desk.ticket()).labels


async def test_what_a_failed_action_wrote_is_undone_and_the_rest_is_kept(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: Connection, doing: Doing, given: Any) -> str:
        effects.note(connection, doing, given)
        connection.execute(text("INSERT INTO tasks (id) VALUES (1)"))
        return "never"

    monkeypatch.setitem(effects.EFFECTS, "note", half)  # type: ignore[arg-type]
    desk = await begun(
        db, "name: r\non: [ticket.started]\ndo:\n  - note: {text: half}\n  - label: {add: [b]}"
    )
    await desk.step("start")
    assert [a["outcome"] for a in (await desk.runs())[-1].actions] == ["failed", "done"]
    assert "note.added" not in await desk.kinds()
    assert "b" in (await desk.ticket()).labels


async def test_a_process_that_dies_in_the_middle_of_a_rule_has_done_nothing_of_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await begun(db, NOTED)
    real, broken = effects.EFFECTS["label"], True

    def dies(connection: Connection, doing: Doing, given: Any) -> str:
        done = real(connection, doing, given)
        if broken:
            raise DatabaseBusy("the connection is gone")
        return done

    monkeypatch.setitem(effects.EFFECTS, "label", dies)  # type: ignore[arg-type]
    await db.write(say, desk.clock.now)
    with pytest.raises(DatabaseBusy):
        await desk.work()
    assert "ticket.edited" not in (await desk.kinds())[3:]
    assert await desk.runs() == []
    broken = False
    await desk.work()
    assert [run.state for run in await desk.runs()] == [RunState.DONE]
    assert "a" in (await desk.ticket()).labels


async def test_the_same_entry_seen_again_runs_nothing_again(db: Database) -> None:
    desk = await begun(db, NOTED)
    await desk.do(say)
    again = follower("again", PREFIXES, reaction(TOOLS), from_start=True)
    while await db.write(again.work, desk.clock.now, 20):
        pass
    assert len(await desk.runs()) == 1
    assert await db.read(asides) == []


async def test_two_processes_run_each_rule_once_for_each_cause(
    db: Database, database_url: str
) -> None:
    desk = await begun(db, "name: r\non: [note.added]\ndo:\n  - task: {title: x, to: 'team:天津'}")
    async with await Database.open(database_url) as other:
        for _ in range(5):
            await db.write(say, desk.clock.now)
        chores = automation_chores(TOOLS, AutomationSettings())

        async def work(which: Database) -> None:
            for _ in range(12):
                for chore in chores:
                    await which.write(chore.work, START, 2)

        await asyncio.gather(work(db), work(other))
    assert await desk.rows("SELECT count(*) FROM tasks") == [(5,)]
    assert len({run.cause for run in await desk.runs()}) == 5


async def test_a_rule_that_sets_itself_off_is_stopped_loudly(db: Database) -> None:
    desk = await begun(db, "name: echo\non: [note.added]\ndo:\n  - note: {text: '{{ text }}!'}")
    await desk.do(say)
    found = await desk.runs()
    assert [run.depth for run in found] == [0, 1, 2, 3, 4, 5]
    assert [run.state for run in found] == [RunState.DONE] * 5 + [RunState.STOPPED]
    assert "set each other off" in found[-1].actions[0]["told"]
    assert (await desk.kinds()).count("rule.stopped") == 1
    told = await desk.rows("SELECT recipient, text FROM notices WHERE kind = 'rule'")
    assert [to for to, _ in told] == ["role:supervisor"]
    assert "echo" in told[0][1]


async def test_two_rules_that_set_each_other_off_are_stopped(db: Database) -> None:
    desk = await begun(
        db,
        "name: there\non: [ticket.assigned]\nwhen: ticket.team == '北京'\ndo:\n"
        "  - assign: {team: 天津, assignee: 'agent:8001'}",
        "name: back\non: [ticket.assigned]\nwhen: ticket.team == '天津'\ndo:\n"
        "  - assign: {team: 北京, assignee: 'agent:9001'}",
    )
    found = await desk.runs()
    assert {run.rule for run in found} == {"there", "back"}
    states = [run.state for run in found]
    assert states.count(RunState.DONE) <= 12
    assert states[-1] is RunState.STOPPED
    assert 1 <= (await desk.kinds()).count("rule.stopped") <= 2, "once for each of them"


async def test_people_who_set_a_rule_off_too_often_within_an_hour_are_let_wait(
    db: Database,
) -> None:
    desk = await begun(db, NOTED.replace("label: {add: [a]}", "webhook: {name: w}"))
    for _ in range(9):
        await desk.do(say)
    states = [run.state for run in await desk.runs()]
    assert states == [RunState.DONE] * 6 + [RunState.STOPPED] * 3
    assert (await desk.kinds()).count("rule.stopped") == 1, "told once in an hour"
    desk.clock.on(hours=1, minutes=1)
    await desk.do(say)
    assert (await desk.runs())[-1].state is RunState.DONE


async def test_all_rules_together_have_a_bound_on_one_case(db: Database) -> None:
    many = [
        f"name: r{n}\non: [note.added]\nwhen: event.actor == 'agent:8001'\ndo:\n"
        f"  - webhook: {{name: w{n}}}"
        for n in range(8)
    ]
    desk = await begun(db, *many)
    for _ in range(5):
        await desk.do(say)
    states = [run.state for run in await desk.runs()]
    assert states.count(RunState.DONE) == 30
    assert states.count(RunState.STOPPED) == 10


async def test_while_automation_is_switched_off_nothing_happens_and_nothing_is_caught_up(
    db: Database,
) -> None:
    off = HOUSE.model_copy(update={"switches": {"automation.rules": False}})
    desk = Desk(db)
    await desk.begin(
        NOTED, "name: t\nin_status: assigned\nafter: 1h\ndo:\n  - survey: {}", house=off
    )
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.do(say)
    assert await desk.runs() == []
    await db.write(declare, HOUSE, START)
    desk.clock.on(hours=2)
    await desk.do(lambda c, now: opened(c, "c2", now) and None)
    assert await desk.runs() == []
    await desk.do(say)
    assert len(await desk.runs()) == 1


async def test_old_runs_are_forgotten_and_the_timeline_keeps_them(db: Database) -> None:
    desk = await begun(db, NOTED)
    await desk.do(say)
    desk.clock.on(days=366)
    await desk.work()
    assert await desk.runs() == []
    assert "rule.ran" in await desk.kinds()


async def test_runs_are_found_by_case_rule_and_state(db: Database) -> None:
    desk = await begun(db, NOTED, "name: f\non: [note.added]\ndo:\n  - reopen: {reason: x}")
    await desk.do(say)
    assert [run.rule for run in await desk.runs(rule="f")] == ["f"]
    assert [run.rule for run in await desk.runs(state=RunState.FAILED)] == ["f"]
    assert await desk.runs(ticket_id=2) == []
    newest = (await desk.runs())[-1].id
    assert [run.rule for run in await desk.runs(before=newest)] == ["noted"]


async def test_before_anybody_writes_rules_those_that_come_along_are_in_force(
    db: Database,
) -> None:
    desk = Desk(db)
    await db.write(declare, HOUSE, START)
    await desk.work()
    rows = await desk.rows("SELECT edition, actor, note FROM automation_editions")
    assert rows == [(1, "system", "shipped")]


async def test_what_happens_in_a_call_of_the_case_sets_rules_off_too(db: Database) -> None:
    desk = await begun(db, "name: r\non: [call.ended]\ndo:\n  - label: {add: [已挂机]}")
    await desk.do(lambda c, now: journal.end(c, "c1", "hangup", now) and None)
    assert "已挂机" in (await desk.ticket()).labels
