"""A line that calls customers, a case that is resolved, and a customer's telephone."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ari_app.process import running_line
from ari_app.settings import load
from ari_app.sip_caller import AgentPhone, AgentPlan, agent_phone
from desk import customers, journal, messages, tickets, timeline
from desk.chores import standing
from desk.customers.reading import CustomerRow
from desk.customers.upsert import upsert
from desk.journal import Call
from desk.outbound import Attempt, Request, attempts, requests
from desk.region import locate
from desk.tickets import By, NewTicket, Role, Ticket
from tests.e2e.line_rig import Clock, TestLine, write_config
from tests.rig import ports

SECONDS = 60.0
SOLUTION = "已更换主板"
AGENT = By("agent:8021", Role.AGENT)
HELPER = "8021"
SHOWN = "02288880000"


def with_outbound(config: Path, ring_seconds: int, **confirm: Any) -> None:
    """Let the line call customers over its only trunk, patient and quick."""
    data = json.loads(config.read_text(encoding="utf-8"))
    data["outbound"] |= {"trunk": "carrier", "shown_number": SHOWN, "ring_seconds": ring_seconds}
    data["outbound"]["hours"] = ["00:00-24:00"]
    data["outbound"]["limits"] |= {"most_per_hour": 1000, "most_per_number_per_day": 20}
    data["outbound"]["confirm"] |= {
        "answer_seconds": 1.5,
        "asks": 1,
        "attempts": 2,
        "attempts_per_day": 10,
        "retry_minutes": 1 / 60,
        "salutation": None,
        **confirm,
    }
    config.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


@asynccontextmanager
async def outbound_line(
    folder: Path, webhook_url: str, *, ring_seconds: int = 5, **confirm: Any
) -> AsyncIterator[TestLine]:
    """A line of one's own that calls customers."""
    clock = Clock()
    config = write_config(folder, webhook_url)
    with_outbound(config, ring_seconds, **confirm)
    ports.keep()
    settings = load(config)
    async with running_line(settings, config=config, own_lifetime=True, now=clock) as running:
        db = running.line.db
        with db.subscribe() as commits:
            while all(each.name != "confirming" for each in await db.read(standing)):
                await commits.wait(0.1)  # it follows what is resolved from then on
        yield TestLine(running, clock, config)


@dataclass
class Case:
    """A resolved ticket, and what the desk does about it."""

    line: TestLine
    ticket: Ticket

    @property
    def db(self) -> Any:
        return self.line.running.line.db

    async def now(self) -> Ticket:
        found = await self.db.read(tickets.get, self.ticket.id)
        assert found is not None
        return found  # type: ignore[no-any-return]

    async def request(self) -> Request | None:
        found = await self.db.read(requests.search, ticket_id=self.ticket.id)
        return found[0] if found else None

    async def until(self, *states: str, way: str | None = None) -> Request:
        """The request for the confirmation, once it stands so."""
        last = time.monotonic() + SECONDS
        with self.db.subscribe() as commits:
            while True:
                found = await self.request()
                if found is not None and found.state in states and way in (None, found.way):
                    return found
                assert time.monotonic() < last, (found, await self.kinds(), await self.attempts())
                await commits.wait(0.3)

    async def attempts(self) -> list[Attempt]:
        found = await self.request()
        if found is None:
            return []
        made: list[Attempt] = await self.db.read(attempts.of_request, found.id)
        return made

    async def calls(self) -> list[Call]:
        """The calls that were placed about it, oldest first."""
        return [await self.db.read(journal.get, each.id) for each in await self.attempts()]

    async def kinds(self) -> list[str]:
        entries = await self.db.read(timeline.entries_after, 0, 500, ticket_id=self.ticket.id)
        return [entry.kind for entry in entries]

    async def templates(self) -> list[str]:
        """What was written to the customer."""
        found = await self.db.read(messages.of_ticket, self.ticket.id)
        return [message.template for message in found]

    async def resolve(self) -> None:
        """Solve it (again)."""
        await self.db.write(resolve, self.ticket.id, self.line.running.line.now())


async def resolved_case(
    line: TestLine,
    number: str,
    *,
    name: str = "",
    owners: int = 1,
    on_file: str = "",
    team: str = "",
) -> Case:
    """A case of somebody with this number (`""`: withheld), which its handler has solved.

    Args:
        owners: how many customers have the number.
        on_file: the customer's number, where the case came without one.
    """
    db, now = line.running.line.db, line.running.line.now()

    def make(connection: Any) -> Ticket:
        e164 = locate(on_file or number, "022").e164
        rows = [
            CustomerRow(each, None, name or f"客户{each}", "", "", (e164,), "", "")
            for each in range(owners)
        ]
        upsert(connection, rows, now)
        found = customers.find_by_number(connection, e164)
        new = NewTicket(
            "complaint",
            "天津 投诉",
            caller=locate(number or "anonymous", "022"),
            customer_ids=tuple(each.id for each in found),
        )
        opened = tickets.open_ticket(connection, new, now)
        return resolve(connection, opened.id, now, team)

    return Case(line, await db.write(make))


def resolve(db: Any, ticket_id: int, now: Any, team: str = "") -> Ticket:
    ticket = tickets.get(db, ticket_id)
    assert ticket is not None
    version = ticket.version
    if ticket.status == "accepted":
        version = tickets.steps.assign(
            db,
            ticket_id,
            now,
            by=AGENT,
            expected_version=version,
            assignee=AGENT.actor,
            team=team or None,
        ).version
    version = tickets.steps.start(db, ticket_id, now, by=AGENT, expected_version=version).version
    return tickets.closing.resolve(db, ticket_id, SOLUTION, now, by=AGENT, expected_version=version)


@asynccontextmanager
async def customer(line: TestLine, plan: AgentPlan) -> AsyncIterator[AgentPhone]:
    """The customer's telephone, behind the trunk."""
    port = int(line.settings.pbx.trunks[0].port)
    async with agent_phone(port, plan, listen=True) as phone:
        yield phone
