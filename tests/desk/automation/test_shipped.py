"""The rules that come along, lived through with all of the desk's chores: each does what it is
there for, and every kind of action is used."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from desk import automation, customers, messages, tickets, timeline
from desk.automation import runs
from desk.automation.check import check, shipped
from desk.automation.ruleset import ACTIONS
from desk.chores import catch_up
from desk.customers import CustomerRow
from desk.db.engine import Database
from desk.house import declare
from desk.links import LinkSettings
from desk.messages import MessageSettings, Templates
from desk.messages.sending import Sent, claim, settle
from desk.outbound import OutboundSettings
from desk.routing.levels import set_level
from desk.service import ServiceSettings, chores
from desk.sla.book import Book
from desk.sla.editions import apply
from desk.sla.settings import SlaSettings
from desk.tickets import By, NewTicket, Role, joining
from tests.crm_bridge.test_kinds import TABLE
from tests.desk.automation.cases import HOUSE, LI, MOBILE, START, Clock
from tests.rig.samples import begin

SETTINGS = ServiceSettings(
    links=LinkSettings(base_url="https://h.example.cn"),
    outbound=OutboundSettings(trunk="carrier"),
    messages=MessageSettings(quiet=None, per_number_daily=100),
)
BOSS = By("agent:9001", Role.SUPERVISOR)
RULES = check(shipped(), HOUSE, Templates(SETTINGS.messages, ""))[0].rules  # type: ignore[union-attr]
NAMES = [rule.name for rule in RULES]


class Life:
    """A desk with everything that happens by itself."""

    def __init__(self, db: Database) -> None:
        self.db, self.clock = db, Clock()
        self.chores = chores(SETTINGS)

    async def begin(self) -> None:
        await self.db.write(declare, HOUSE, START)
        book = Book.from_settings(SlaSettings(), "Asia/Shanghai")
        await self.db.write(apply, book, START)
        row = CustomerRow(
            line=1, external_id=None, name="张小明", company="", level="", note="",
            numbers=("+8613502689471",), email="zhang@example.cn",
        )  # fmt: skip
        await self.db.write(customers.upsert, [row], START)
        await self.work()
        assert (await self.db.read(automation.latest)) is not None

    async def work(self, **span: float) -> None:
        """Let time go by, and everything happen that is due."""
        self.clock.on(**span)
        await catch_up(self.db, self.chores, self.clock)

    async def ring(
        self,
        call_id: str,
        kind: str = "repair",
        caller: Any = MOBILE,
    ) -> int:
        """A call that opens a case."""

        def opens(db: Connection) -> int:
            begin(db, call_id, caller, self.clock.now)
            new = NewTicket(kind, "空调不制冷", call_id=call_id)
            return tickets.open_ticket(db, new, self.clock.now).id

        number = await self.db.write(opens)
        await self.work()
        return number

    async def step(self, name: str, *words: str, ticket_id: int = 1, by: By = LI) -> None:
        """A step with a case."""

        def act(db: Connection) -> None:
            seen = tickets.get(db, ticket_id)
            assert seen is not None
            where = tickets.steps if hasattr(tickets.steps, name) else tickets.closing
            getattr(where, name)(
                db, ticket_id, *words, self.clock.now, by=by, expected_version=seen.version
            )

        await self.db.write(act)
        await self.work()

    async def give(self, team: str, assignee: str, ticket_id: int = 1) -> None:
        """Put somebody in charge."""
        await self.db.write(
            lambda db: tickets.steps.assign(
                db, ticket_id, self.clock.now, by=tickets.SYSTEM, expected_version=None,
                team=team, assignee=assignee,
            )
            and None
        )  # fmt: skip
        await self.work()

    async def ran(self) -> dict[str, list[str]]:
        """By rule, what its actions came to, the last run's."""
        found = await self.db.read(lambda db: runs.listing(db, limit=200))
        return {run.rule: [f"{a['do']} {a['outcome']}" for a in run.actions] for run in found[::-1]}

    async def count(self, query: str) -> int:
        return await self.db.read(lambda db: int(db.execute(text(query)).scalar_one()))


@pytest.fixture
async def life(db: Database) -> Life:
    lived = Life(db)
    await lived.begin()
    return lived


async def waiting(life: Life) -> None:
    await life.ring("c1")
    await life.give("天津", "agent:8001")
    await life.step("start")


async def test_a_caller_gets_the_number_and_a_second_case_is_linked(life: Life) -> None:
    await life.ring("c1")
    await life.ring("c2")
    assert await life.ran() == {
        "number-by-sms": ["sms done"], "same-caller": ["link done"],
    }  # fmt: skip
    assert [m.template for m in await life.db.read(messages.of_ticket, 2)] == ["opened"]


async def test_who_was_missed_is_told_and_rung_back(life: Life) -> None:
    await life.ring("c1", "abandoned")
    assert (await life.ran())["sorry-we-missed-you"] == ["sms done", "task done"]


async def test_who_rings_for_the_third_time_is_heeded(life: Life) -> None:
    await waiting(life)
    for number in (2, 3):
        call_id = f"c{number}"
        await life.db.write(begin, call_id, MOBILE, life.clock.now)
        await life.db.write(joining.join, call_id, 1, life.clock.now)
        await life.work()
    found = (await life.ran())["third-call"]
    assert found == ["label done", "set_level done", "notify done"]


async def test_a_case_that_nobody_takes_is_cried_out(life: Life) -> None:
    await life.ring("c1")
    await life.db.write(lambda db: db.execute(text("UPDATE tickets SET team = '天津'")) and None)
    await life.work(minutes=30)
    assert (await life.ran())["nobody-in-charge"] == ["mention done", "notify done"]


async def test_who_does_not_begin_loses_the_case_to_his_team(life: Life) -> None:
    await life.ring("c1")
    await life.give("天津", "agent:8001")
    await life.work(hours=4)
    assert (await life.ran())["back-to-the-team"] == ["note done", "assign done"]
    ticket = await life.db.read(tickets.get, 1)
    assert ticket is not None
    assert (ticket.team, ticket.assignee) == ("天津", "")


async def test_a_silent_customer_is_reminded_twice_then_somebody_rings(life: Life) -> None:
    await waiting(life)
    await life.step("wait", "等照片")
    for _ in range(4 * 24):
        await life.work(hours=1)
    told = [m.template for m in await life.db.read(messages.of_ticket, 1)]
    assert told.count("waiting") == 2
    assert (await life.ran())["still-silent"] == ["task done"]


async def test_an_overdue_case_is_escalated_and_everybody_hears(life: Life) -> None:
    await waiting(life)
    await life.db.write(
        lambda db: (
            tickets.edit(
                db, 1, life.clock.now, by=tickets.SYSTEM, expected_version=None, customer_id=1
            )
            and None
        )
    )
    await life.work(hours=24, minutes=1)
    found = await life.ran()
    assert found["overdue"] == ["escalate done", "email done", "webhook done"]
    ticket = await life.db.read(tickets.get, 1)
    assert ticket is not None
    assert ticket.status == "escalated"


async def test_supervisors_watch_the_gravest_when_they_are_overdue(life: Life) -> None:
    await waiting(life)
    await life.db.write(lambda db: set_level(db, 1, 1, life.clock.now, reason="媒体") and None)
    await life.work(hours=24, minutes=1)
    assert (await life.ran())["gravest-overdue"] in (["watch done"], ["watch skipped"])
    assert await life.count("SELECT count(*) FROM watchers WHERE watcher = 'role:supervisor'") == 1


async def test_what_nobody_confirms_is_asked_again_and_then_a_task(life: Life) -> None:
    await waiting(life)
    await life.step("resolve", "更换压缩机")
    await life.work(days=2)
    found = await life.ran()
    assert found["ask-again"] == ["confirm done", "sms done"]
    asks = [m for m in await life.db.read(messages.of_ticket, 1) if m.asks == "confirm"]
    assert asks
    await life.work(days=3)
    assert (await life.ran())["not-confirmed"] == ["task done"]


async def test_who_was_overruled_is_asked_how_it_was(life: Life) -> None:
    await waiting(life)
    await life.step("resolve", "更换压缩机")
    await life.step("override", "赵敏", "客户失联", by=BOSS)
    await life.work(days=1)
    assert (await life.ran())["survey-after-override"] == ["survey done"]


async def test_trouble_after_closing_told_by_sms_reopens_the_case(life: Life) -> None:
    await waiting(life)
    await life.step("resolve", "更换压缩机")
    await life.step("override", "赵敏", "客户失联", by=BOSS)

    def sent(db: Connection) -> None:
        until = life.clock.now + timedelta(minutes=1)
        taken = claim(
            db, messages.Channel.SMS, "p", life.clock.now, until, 50, SETTINGS.messages,
            SETTINGS.company.tz,
        )  # fmt: skip
        for each in taken:
            settle(db, each, "p", "test", Sent(), life.clock.now, SETTINGS.messages)

    await life.db.write(sent)
    await life.db.write(messages.received, MOBILE.e164, "空调又坏了", life.clock.now)
    await life.work()
    assert (await life.ran())["came-back"] == ["reopen done"]


def test_every_kind_of_action_is_used_by_the_rules_that_come_along() -> None:
    assert {do.action for rule in RULES for do in rule.do} == set(ACTIONS)
    assert len(ACTIONS) >= 12


def test_each_rule_that_comes_along_has_a_test_here() -> None:
    written = Path(__file__).read_text(encoding="utf-8")
    own = [name for name in NAMES if f'"{name}"' not in written and name != "silent-customer"]
    assert own == []


async def test_what_rules_tasks_and_messages_tell_is_as_their_examples_say(life: Life) -> None:
    await waiting(life)
    await life.ring("c2", "abandoned")
    await life.work(hours=25)
    told = await life.db.read(timeline.entries_after, 0, 999)
    ours = [each for each in told if each.kind.partition(".")[0] in ("rule", "task", "message")]
    assert {each.kind for each in ours} >= {
        "rule.ran", "rule.webhook", "task.added", "task.overdue",
        "message.queued",
    }  # fmt: skip
    for each in ours:
        assert set(each.body or {}) == set(TABLE[each.kind]), each.kind
