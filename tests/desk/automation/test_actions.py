"""Every kind of action does to a case, by the desk's own functions, what its rule says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desk import messages, tasks, tickets
from desk.automation import RunState
from desk.automation.ruleset import ACTIONS
from desk.automation.settings import ZONE
from desk.db.engine import Database
from desk.links import LinkSettings
from desk.outbound import request_confirmation
from desk.surveys.asking import SurveyPolicy, ask_by_link
from desk.surveys.settings import SurveySettings
from desk.tickets import confirmations, notes
from tests.desk.automation.cases import TEMPLATES, TOOLS, Desk, opened
from tests.rig.samples import begin


def rule(action: str, on: str = "ticket.waiting") -> str:
    return f"name: r\non: [{on}]\ndo:\n  - {action}"


async def waiting(db: Database, action: str, **desk: Any) -> Desk:
    """A case that has come to wait for its customer, with a rule about that."""
    acting = Desk(db, **desk)
    await acting.begin(rule(action))
    await acting.do(lambda c, now: opened(c, now=now) and None)
    await acting.step("start")
    await acting.step("wait", "等客户照片")
    return acting


async def test_assign(db: Database) -> None:
    desk = await waiting(db, "assign: {team: 北京, assignee: 'agent:9001'}")
    ticket = await desk.ticket()
    assert (ticket.team, ticket.assignee, ticket.status) == (
        "北京",
        "agent:9001",
        "waiting_customer",
    )
    assert await desk.told() == [("r", "assign", "done")]


async def test_assign_to_nobody_in_particular(db: Database) -> None:
    desk = await waiting(db, "assign: {team: '{team}', assignee: ''}")
    ticket = await desk.ticket()
    assert (ticket.team, ticket.assignee) == ("天津", "")


async def test_escalate(db: Database) -> None:
    desk = await waiting(db, "escalate: {reason: '{{ number }} 太久', assignee: 'agent:8002'}")
    ticket = await desk.ticket()
    assert (ticket.status, ticket.assignee) == ("escalated", "agent:8002")
    assert "100014 太久" in str(await desk.rows("SELECT body FROM timeline"))


async def test_set_level(db: Database) -> None:
    desk = await waiting(db, "set_level: {level: 1, reason: 媒体}")
    assert (await desk.ticket()).level == 1


async def test_notify(db: Database) -> None:
    desk = await waiting(
        db,
        "notify: {to: ['role:lead@{team}', '{assignee}'], text: '工单 {{ number }}:{{ subject }}'}",
    )
    told = await desk.rows("SELECT recipient, text FROM notices WHERE kind = 'rule' ORDER BY id")
    assert told == [
        ("role:lead@天津", "工单 100014:空调不制冷"),
        ("agent:8001", "工单 100014:空调不制冷"),
    ]


async def test_mention(db: Database) -> None:
    desk = await waiting(db, "mention: {who: ['team:{team}', 'agent:8002'], text: 请看 a@b.cn}")
    note = (await db.read(notes.of_ticket, 1))[-1]
    assert note.text == "@team:天津 @agent:8002 请看 a@@b.cn"
    told = await desk.rows("SELECT recipient FROM notices WHERE kind = 'mention' ORDER BY id")
    assert told == [("team:天津",), ("agent:8002",)]
    assert "agent:8002" in str(await desk.rows("SELECT watcher FROM watchers"))


async def test_mention_of_nobody_is_skipped_and_says_why(db: Database) -> None:
    desk = await waiting(db, "mention: {who: ['agent:7777'], text: 请看}")
    assert await desk.told() == [("r", "mention", "skipped")]
    assert "nobody here is agent:7777" in (await desk.runs())[0].actions[0]["told"]


async def test_sms(db: Database) -> None:
    desk = await waiting(db, "sms: {template: waiting}")
    sms = (await db.read(messages.of_ticket, 1))[0]
    assert (sms.to, sms.template, sms.state) == ("+8613502689471", "waiting", "queued")
    assert "100014" in sms.text
    assert await desk.told() == [("r", "sms", "done")]


async def test_sms_with_a_text_of_the_rules_own(db: Database) -> None:
    await waiting(db, "sms: {text: '{{ customer }},请发照片', to: '+8613900000000'}")
    sms = (await db.read(messages.of_ticket, 1))[0]
    assert (sms.to, sms.text) == ("+8613900000000", "【示例公司】张小明,请发照片")


async def test_sms_to_a_land_line_is_skipped_and_says_why(db: Database) -> None:
    desk = Desk(db)
    await desk.begin(rule("sms: {template: opened}", "ticket.opened"))

    def by_land_line(connection: Any, now: Any) -> None:
        begin(connection, now=now)
        tickets.open_ticket(connection, tickets.NewTicket("repair", "x", call_id="c1"), now)

    await desk.do(by_land_line)
    run = (await desk.runs())[0]
    assert (run.state, run.actions[0]["outcome"]) == (RunState.DONE, "skipped")
    assert "mobile" in run.actions[0]["told"]


async def test_email(db: Database) -> None:
    await waiting(db, "email: {template: delayed}")
    mail = (await db.read(messages.of_ticket, 1))[0]
    assert (mail.channel, mail.to) == ("email", "zhang@example.cn")
    assert "空调不制冷" in mail.text


async def test_survey(db: Database) -> None:
    policy = SurveyPolicy(
        SurveySettings(), LinkSettings(base_url="https://h.example.cn"), TEMPLATES, ZONE
    )
    tools = replace(TOOLS, survey=lambda c, t, now: ask_by_link(c, t, policy, now))
    desk = Desk(db, tools=tools)
    await desk.begin(rule("survey: {}", "ticket.overridden"))
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("resolve", "换件")

    def override(connection: Any, now: Any) -> None:
        boss = tickets.By("agent:9001", tickets.Role.SUPERVISOR)
        tickets.closing.override(connection, 1, "赵敏", "失联", now, by=boss, expected_version=5)

    await desk.do(override)
    assert await desk.told() == [("r", "survey", "done")]
    assert await desk.sent() == ["survey"]


async def test_confirm(db: Database) -> None:
    tools = replace(TOOLS, confirm=request_confirmation)
    desk = Desk(db, tools=tools)
    await desk.begin(rule("confirm: {}", "ticket.resolved"))
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("resolve", "换件")
    assert await desk.told() == [("r", "confirm", "done")]
    assert await desk.rows("SELECT purpose, ticket_id FROM outbound_requests") == [("confirm", 1)]


async def test_task(db: Database) -> None:
    desk = await waiting(db, "task: {title: '催 {{ number }}', to: '{assignee}', due: 4h}")
    task = (await db.read(tasks.of_ticket, 1))[0]
    assert (task.title, task.to) == ("催 100014", "agent:8001")
    assert task.due_at == desk.clock.now + timedelta(hours=4)


async def test_webhook(db: Database) -> None:
    desk = await waiting(
        db, "webhook: {name: stock, data: {case: '{{ number }}', of: '{{ team }}'}}"
    )
    body = await desk.rows("SELECT body FROM timeline WHERE kind = 'rule.webhook'")
    assert '"data":{"case":"100014","of":"天津"}' in body[0][0]
    left = await desk.rows(
        "SELECT count(*) FROM outbox JOIN timeline USING (seq) WHERE kind = 'rule.webhook'"
    )
    assert left == [(1,)], "the bridge delivers it"


async def test_reopen(db: Database) -> None:
    desk = Desk(db)
    await desk.begin(rule("reopen: {reason: 短信}", "note.added"))
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.step("start")
    await desk.step("resolve", "换件")
    await desk.do(lambda c, now: notes.add(c, 1, "没好", now, by=tickets.SYSTEM) and None)
    ticket = await desk.ticket()
    assert (ticket.status, ticket.cycle) == ("reopened", 2)
    assert await db.read(confirmations.of_ticket, 1) == [], "no customer has said a word"


async def test_link(db: Database) -> None:
    desk = Desk(db)
    await desk.begin(rule("link: {to: same_number}", "ticket.opened"))
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.do(lambda c, now: opened(c, "c2", now) and None)
    assert [(link.kind, link.other_id) for link in await db.read(tickets.links.of_ticket, 2)] == [
        ("related", 1)
    ]
    assert [run.actions[0]["outcome"] for run in await desk.runs()] == ["skipped", "done"]


async def test_note(db: Database) -> None:
    await waiting(db, "note: {text: '等 {{ customer }}'}")
    note = (await db.read(notes.of_ticket, 1))[-1]
    assert (note.text, note.public, note.actor) == ("等 张小明", False, "automation:r")


async def test_label(db: Database) -> None:
    desk = await waiting(db, "label: {add: [等客户], remove: [没有]}")
    assert "等客户" in (await desk.ticket()).labels


async def test_watch(db: Database) -> None:
    desk = await waiting(db, "watch: {who: ['agent:8002']}")
    assert await desk.rows("SELECT watcher, cause FROM watchers") == [("agent:8002", "rule")]


async def test_what_a_rule_says_to_a_customer_is_no_first_response(db: Database) -> None:
    await waiting(db, "note: {text: 我们会联系您, public: true}")
    clock = await Desk(db).rows(
        "SELECT state FROM sla_clocks WHERE target = 'first_response' AND state = 'met'"
    )
    assert clock == []


def test_each_kind_of_action_has_a_test_here() -> None:
    missing = [each for each in ACTIONS if f"test_{each}" not in globals()]
    assert not missing


@pytest.mark.parametrize("said", ["{{ company }}{{ 7*7 }}", "【银行】", "@agent:9001"])
async def test_a_customers_words_in_a_rules_text_stay_words(db: Database, said: str) -> None:
    desk = Desk(db)
    await desk.begin(
        "name: r\non: [note.added]\nwhen: event.public\ndo:\n"
        "  - mention: {who: ['agent:8002'], text: '客户说 {{ text }}'}\n"
        "  - sms: {text: '{{ text }}'}"
    )
    await desk.do(lambda c, now: opened(c, now=now) and None)
    await desk.do(
        lambda c, now: notes.add(c, 1, said, now, by=tickets.SYSTEM, public=True) and None
    )
    assert [outcome for _, _, outcome in await desk.told()] == ["done", "done"]
    assert await desk.rows("SELECT recipient FROM notices WHERE kind = 'mention'") == [
        ("agent:8002",)
    ]
    sms = (await db.read(messages.of_ticket, 1))[0]
    assert "49" not in sms.text
    assert sms.text.count("【") == 1
