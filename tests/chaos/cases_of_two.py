"""What people do while two lines are harmed: handlers open and solve cases, customers answer SMS,
and a supervisor closes what nobody answers."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import Connection, select, update

from ari_app.chores import service_settings
from desk import journal, routing, tickets
from desk.chores import Chore
from desk.db.engine import Database
from desk.db.schema import tickets as ticket_table
from desk.db.schema.automation import messages
from desk.db.schema.outbound import outbound_attempts, outbound_requests
from desk.errors import DeskError
from desk.messages import State
from desk.region import locate
from desk.service import chores
from desk.tickets import By, NewTicket, Role
from tests.chaos.two_lines import TwoLines, arrived

HANDLER = By("agent:8001", Role.AGENT)
SUPERVISOR = By("agent:8011", Role.SUPERVISOR)
MOST_ALIVE = 6
LOOK_SECONDS = 0.5
BY_SMS, BY_SMS_SHARE = 4, 0.25
"""The level whose customers are asked by SMS, and how many cases have it."""
QUESTIONS = ("confirm", "confirm_link")


def mobile(nth: int) -> str:
    """A number that no other case has."""
    return f"1382{nth:07d}"


@dataclass
class People:
    """Handlers, customers and a supervisor. `chance`: how fast and how they work."""

    db: Database
    lines: TwoLines
    chance: random.Random
    opens: bool = True
    made: int = 0
    _due: dict[int, float] = field(default_factory=dict)
    _answered: set[int] = field(default_factory=set)

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(DeskError):  # what somebody was quicker at
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Everything that is to be done now."""
        alive = await self.db.read(_alive)
        if self.opens and len(alive) < MOST_ALIVE:
            self.made += 1
            number = mobile(self.made)
            level = BY_SMS if self.chance.random() < BY_SMS_SHARE else 0
            ticket_id = await self.db.write(_open, number, level, datetime.now(UTC))
            alive[ticket_id] = "in_progress"
        now = asyncio.get_running_loop().time()
        for ticket_id, status in alive.items():
            if status == "resolved":
                self._due.pop(ticket_id, None)
            elif self._due.setdefault(ticket_id, now + self.chance.uniform(0, 12)) <= now:
                await self.db.write(_solve, ticket_id, datetime.now(UTC))
        for sms in self.lines.sent:
            if sms["template"] in QUESTIONS and sms["id"] not in self._answered:
                await self._answer(sms)

    async def _answer(self, sms: dict[str, Any]) -> None:
        """The customer replies: solved; the provider tells whichever line answers, and again."""
        body = {"sender": sms["to"], "text": "1", "provider": "test", "id": f"re-{sms['id']}"}
        for one in self.lines.sites:
            with suppress(httpx.HTTPError):
                answer = await one.client.post("/api/v1/messages/received", json=body, timeout=2)
                if answer.is_success:
                    self._answered.add(sms["id"])

    async def finish(self) -> None:
        """Wait until every case is closed and nothing is left to do. Customers are called again
        without delay, and what none was asked a supervisor closes.
        """
        self.opens = False
        settings = service_settings(self.lines.sites[0].settings)
        while left := await self.db.read(_left, chores(settings)):
            await self.db.write(_bring_forward, datetime.now(UTC))
            for ticket_id in await self.db.read(_unasked):
                with suppress(DeskError):
                    await self.db.write(_override, ticket_id, datetime.now(UTC))
            await asyncio.sleep(LOOK_SECONDS)
            self.left = left

    left: Any = None


def _alive(db: Connection) -> dict[int, str]:
    query = select(ticket_table.c.id, ticket_table.c.status)
    return {r.id: r.status for r in db.execute(query.where(ticket_table.c.status != "closed"))}


def _open(db: Connection, number: str, level: int, now: datetime) -> int:
    new = NewTicket("complaint", "空调不制冷", caller=locate(number, "022"))
    ticket = tickets.open_ticket(db, new, now)
    if level:
        ticket = routing.set_level(db, ticket.id, level, now, reason="小事")
    ticket = tickets.steps.assign(
        db, ticket.id, now, by=HANDLER, expected_version=ticket.version, assignee=HANDLER.actor
    )
    tickets.steps.start(db, ticket.id, now, by=HANDLER, expected_version=ticket.version)
    return ticket.id


def _solve(db: Connection, ticket_id: int, now: datetime) -> None:
    def act(step: Callable[..., Any], *words: str) -> None:
        ticket = tickets.get(db, ticket_id)
        assert ticket is not None
        step(db, ticket_id, *words, now, by=HANDLER, expected_version=ticket.version)

    found = tickets.get(db, ticket_id)
    assert found is not None
    if found.status != "in_progress":
        act(tickets.steps.start)
    act(tickets.closing.resolve, "换了主板")


def _override(db: Connection, ticket_id: int, now: datetime) -> None:
    seen = tickets.get(db, ticket_id)
    assert seen is not None
    tickets.closing.override(
        db, ticket_id, "李主管", "联系不上", now, by=SUPERVISOR, expected_version=seen.version
    )


def _bring_forward(db: Connection, now: datetime) -> None:
    """Nobody waits for five minutes because a line was frozen while it dialled."""
    table = outbound_requests
    waits = (table.c.state == "waiting", table.c.way == "call", table.c.due_at > now)
    db.execute(update(table).where(*waits).values(due_at=now))


def _unasked(db: Connection) -> list[int]:
    """Cases whose customers nobody asks any more: they are a person's task, or the SMS with the
    question was being sent when its process was killed, and counts as sent."""
    asked = db.execute(select(outbound_requests).where(outbound_requests.c.state == "asked"))
    found = []
    for request in asked.all():
        key = f"outbound:confirm:{request.ticket_id}:{request.cycle}"
        row = db.execute(select(messages).where(messages.c.key == key)).one_or_none()
        lost = row is not None and row.state == State.SENT.value and not arrived(row)
        if request.way == "handler" or lost:
            found.append(request.ticket_id)
    return found


def _left(db: Connection, kept: list[Chore]) -> list[str]:
    """What is still to be done."""
    now = datetime.now(UTC)
    waiting = select(messages.c.id).where(messages.c.state == State.QUEUED.value)
    calling = select(outbound_attempts.c.id).where(outbound_attempts.c.ended_at.is_(None))
    moments = [(chore.name, chore.next_at(db)) for chore in kept]
    return [
        *(f"case {ticket_id} is {status}" for ticket_id, status in _alive(db).items()),
        *(f"call {call.id} goes on in {call.stage}" for call in journal.unfinished(db)),
        *(f"message {row.id} waits" for row in db.execute(waiting)),
        *(f"attempt {row.id} goes on" for row in db.execute(calling)),
        *(f"{name} is behind" for name, at in moments if at is not None and at <= now),
    ]
