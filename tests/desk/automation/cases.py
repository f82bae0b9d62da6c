"""A desk with customers and cases, and rules that somebody wrote for it."""

from datetime import UTC, datetime, timedelta
from textwrap import dedent, indent
from typing import Any

from sqlalchemy import Connection, text

from desk import automation, customers, messages, tickets, timeline
from desk.automation import Run, RunState, Tools, automation_chores, runs
from desk.automation.settings import AutomationSettings
from desk.chores import catch_up
from desk.customers import CustomerRow
from desk.db.engine import Database
from desk.house import House, Member, declare
from desk.messages import MessageSettings, Templates
from desk.region import locate
from desk.tickets import SYSTEM, By, Role, Ticket
from tests.rig.samples import begin

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Tianjin
TEMPLATES = Templates(MessageSettings(), "示例公司")
TOOLS = Tools(TEMPLATES)
LI = By("agent:8001", Role.AGENT)
HOUSE = House(
    types={"complaint": "投诉", "repair": "报修"},
    members=(
        Member(name="agent:8001", full_name="李芳", team="天津", role="agent"),
        Member(name="agent:8002", full_name="王强", team="天津", role="lead"),
        Member(name="agent:9001", full_name="赵敏", team="北京", role="supervisor"),
    ),
)
MOBILE = locate("13502689471", "022")


class Clock:
    """A moment that only a test moves."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def on(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


def rules(*texts: str) -> str:
    """A rule set of these rules, each as YAML without its dash."""
    if not texts:
        return "rules: []\n"
    parts = ["- " + indent(dedent(each).strip(), "  ").strip() for each in texts]
    return "rules:\n" + indent("\n".join(parts), "  ") + "\n"


def settle(db: Connection, content: str, house: House = HOUSE) -> None:
    """A house in which these rules are in force, and a customer."""
    declare(db, house, START)
    new = CustomerRow(
        line=1, external_id="c-1", name="张小明", company="天津海河", level="金牌",
        numbers=("+8613502689471",), email="zhang@example.cn", note="",
    )  # fmt: skip
    customers.upsert(db, [new], START)
    automation.activate(db, content, TEMPLATES, START, actor="test")


def opened(
    db: Connection, call_id: str = "c1", now: datetime = START, team: str = "天津"
) -> Ticket:
    """A case of the customer's, who rang from a mobile."""
    begin(db, call_id, MOBILE, now)
    ticket = tickets.open_ticket(
        db, tickets.NewTicket("repair", "空调不制冷", call_id=call_id), now
    )
    if ticket.customer_id is None:
        ticket = tickets.edit(db, ticket.id, now, by=SYSTEM, expected_version=None, customer_id=1)
    if team:
        ticket = tickets.steps.assign(
            db, ticket.id, now, by=SYSTEM, expected_version=None, team=team, assignee="agent:8001"
        )
    return ticket


def step(db: Connection, name: str, now: datetime, *words: str, ticket_id: int = 1) -> Ticket:
    """A step that the agent takes: start, wait, resolve, reopen."""
    seen = tickets.get(db, ticket_id)
    assert seen is not None
    where = tickets.closing if name in ("resolve", "reopen") else tickets.steps
    act = getattr(where, name)
    ticket: Ticket = act(db, ticket_id, *words, now, by=LI, expected_version=seen.version)
    return ticket


class Desk:
    """A database with its automation, in virtual time."""

    def __init__(self, db: Database, clock: Clock | None = None, tools: Tools = TOOLS) -> None:
        self.db = db
        self.clock = clock or Clock()
        self.chores = automation_chores(tools, AutomationSettings())

    async def begin(self, *texts: str, house: House = HOUSE) -> None:
        """Put rules in force, and let followers start from here."""
        await self.db.write(settle, rules(*texts), house)
        await self.work()

    async def work(self) -> None:
        """Everything that is due now."""
        await catch_up(self.db, self.chores, self.clock)

    async def do(self, act: Any, *args: Any) -> Any:
        """Something that people do, and what rules make of it."""
        found = await self.db.write(act, *args, self.clock.now)
        await self.work()
        return found

    async def step(self, name: str, *words: str, ticket_id: int = 1) -> None:
        """A step of the agent's, and what rules make of it."""
        await self.db.write(
            lambda c: step(c, name, self.clock.now, *words, ticket_id=ticket_id) and None
        )
        await self.work()

    async def ticket(self, ticket_id: int = 1) -> Ticket:
        found = await self.db.read(tickets.get, ticket_id)
        assert found is not None
        return found

    async def runs(self, **which: Any) -> list[Run]:
        """Oldest first."""
        return (await self.db.read(lambda c: runs.listing(c, **which)))[::-1]

    async def told(self, state: RunState = RunState.DONE) -> list[tuple[str, str, str]]:
        """Of every run in a state: the rule, and of each action what it was and what came of it."""
        return [
            (run.rule, action["do"], action["outcome"])
            for run in await self.runs(state=state)
            for action in run.actions
        ]

    async def kinds(self, ticket_id: int = 1) -> list[str]:
        entries = await self.db.read(timeline.entries_after, 0, 999, ticket_id=ticket_id)
        return [entry.kind for entry in entries]

    async def rows(self, query: str) -> list[Any]:
        return await self.db.read(lambda c: [tuple(row) for row in c.execute(text(query))])

    async def sent(self, ticket_id: int = 1) -> list[str]:
        return [m.template for m in await self.db.read(messages.of_ticket, ticket_id)]
