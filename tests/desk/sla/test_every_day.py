"""What is stored of a case that was opened on any day of 2026 is what a walk minute by minute
says: wall and working clocks, holidays and 调休 with corrections of the company's own, teams by day
and by night, waiting, hand-overs, reopening."""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from desk import sla, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.errors import DeskError
from desk.sla.book import Book, BookData
from desk.sla.chores import sla_chores
from desk.sla.editions import in_force
from desk.tickets import Ticket, handovers, notes
from tests.desk.sla import oracle
from tests.desk.sla.books import CHAIN, minutes
from tests.desk.sla.cases import SUPERVISOR, give, go, hand_over, open_case
from tests.desk.sla.test_clocks import near, told

DAYS = [date(2026, 1, 1) + timedelta(days=count) for count in range(365)]
QUARTERS = [[day for day in DAYS if (day.month - 1) // 3 == quarter] for quarter in range(4)]
CORRECTED = {date(2026, 3, 14): "working", date(2026, 3, 16): "rest", date(2026, 10, 10): "rest"}
DAY_HOURS, NIGHT_HOURS = [(540, 720), (780, 1080)], [(1320, 1800)]
TARGETS = {
    "first_response": {"due_minutes": 120, "clock": "wall", "steps": CHAIN},
    "resolution": {"due_minutes": 600, "clock": "working", "steps": CHAIN},
    "hand_over": {"due_minutes": 60, "clock": "working", "steps": CHAIN},
}
STATES = ["assigned", "in_progress", "waiting_customer", "escalated", "resolved", "reopened"]


def levels() -> Book:
    def calendar(workday: list[str], restday: list[str]) -> dict[str, Any]:
        hours = {"workday": workday, "restday": restday}
        return {"timezone": "Asia/Shanghai", "hours": hours, "overrides": CORRECTED}

    content = {
        "policies": [{"name": "all", "targets": TARGETS}],
        "calendars": {
            "default": calendar(["09:00-12:00", "13:00-18:00"], ["closed"]),
            "night": calendar(["22:00-06:00"], ["22:00-06:00"]),
        },
        "known_through": 2026,
    }
    return Book.of(BookData.model_validate(content))


def walkers() -> dict[str, oracle.Team]:
    corrected = {day: DAY_HOURS if works == "working" else [] for day, works in CORRECTED.items()}
    return {
        "default": oracle.Team("Asia/Shanghai", DAY_HOURS, [], corrected),
        "night": oracle.Team("Asia/Shanghai", NIGHT_HOURS, NIGHT_HOURS, {}),
    }


def wanted(name: str) -> oracle.Wanted:
    target = TARGETS[name]
    due = int(str(target["due_minutes"]))
    steps = {str(step["to"]): int(due * float(step["share"])) for step in CHAIN}
    return oracle.Wanted(target["clock"] == "working", due, due * 3 // 4, steps)


@dataclass
class Life:
    """What a test did with a ticket, as the oracle wants it: whole minutes."""

    ticket_id: int
    states: list[tuple[int, str]]
    teams: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[int, str, int | None, bool, int | None]] = field(default_factory=list)
    contacts: list[int] = field(default_factory=list)

    def see(self, ticket: Ticket, minute: int) -> None:
        self.states.append((minute, ticket.status))
        self.teams.append((minute, ticket.team))

    def end_hand_over(self, there: Sequence[handovers.Handover], minute: int) -> None:
        if self.asked and self.asked[-1][2] is None and there[-1].state != "open":
            asked, team, _, _, term = self.asked[-1]
            self.asked[-1] = (asked, team, minute, there[-1].state == "taken", term)


def live(db: Connection, day: date, call_id: str) -> Life:
    """A case of that day, and what became of it; each day another one."""
    chance = random.Random(day.toordinal())  # noqa: S311 - the same cases every time
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    now += timedelta(minutes=chance.randrange(1440))
    life = Life(open_case(db, call_id, now), [(_minute(now), "accepted")])
    for _ in range(chance.randint(2, 9)):
        now += timedelta(minutes=chance.choice([1, 7, 30, 55, 240, 700]))
        _act(db, life, chance, now)
        ticket = tickets.get(db, life.ticket_id)
        assert ticket is not None
        life.see(ticket, _minute(now))
        life.end_hand_over(handovers.of_ticket(db, life.ticket_id), _minute(now))
    return life


def _act(db: Connection, life: Life, chance: random.Random, now: datetime) -> None:
    ticket = tickets.get(db, life.ticket_id)
    assert ticket is not None
    under_way = handovers.open_of_ticket(db, ticket.id)
    going_on = ticket.status not in ("resolved", "closed")
    match chance.randrange(6):
        case 0 if going_on:
            give(db, ticket.id, now, chance.choice(["night", "tianjin"]))
        case 1 if under_way is not None:
            hand_over(db, ticket.id, now, chance.choice(["take", "refuse"]))
        case 1 | 2 if going_on and under_way is None:
            hand_over(db, ticket.id, now, "ask")
            there = handovers.open_of_ticket(db, ticket.id)
            assert there is not None
            life.asked.append((_minute(now), there.to_team, None, False, None))
        case 3:
            notes.add(db, ticket.id, "已联系", now, by=SUPERVISOR, public=True)
            life.contacts.append(_minute(now))
        case _:
            possible = [s for s in STATES if s != ticket.status and _fits(ticket.status, s)]
            wished = chance.choice(possible)
            with suppress(DeskError), db.begin_nested():  # what the lifecycle refuses
                go(db, ticket.id, now, wished)


def _fits(status: str, wished: str) -> bool:
    if status == "resolved":
        return wished == "reopened"
    return wished != "reopened" and not (wished == "assigned" and status in
                                         ("waiting_customer", "escalated"))  # fmt: skip


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


@pytest.mark.parametrize("days", QUARTERS, ids=["q1", "q2", "q3", "q4"])
async def test_a_case_of_any_day_of_2026_is_stored_as_a_walk_says(
    db: Database, days: list[date]
) -> None:
    await db.write(sla.apply, levels(), datetime(2025, 12, 31, tzinfo=UTC))
    lives = [await db.write(live, day, f"c{day}") for day in days]
    await catch_up(db, sla_chores()[:2], lambda: datetime(2027, 2, 1, tzinfo=UTC))
    known = {name: oracle.works_at(team) for name, team in walkers().items()}

    def works(team: str, minute: int) -> bool:
        return known.get(team, known["default"])(minute)

    books = await db.read(in_force)
    assert books is not None
    seen = 0
    for day, life in zip(days, lives, strict=True):
        stored = await db.read(sla.stored_clocks, life.ticket_id)
        now = life.states[-1][0] + 1
        case = oracle.Case(life.states, life.teams, life.asked, life.contacts)
        at = datetime.fromtimestamp(now * 60, UTC)
        for name in TARGETS:
            mine = [clock for clock in stored if clock.target == name]
            expected = oracle.walk(case, name, wanted(name), works, now)
            assert len(mine) == len(expected), f"{name} of {day}"
            for clock, walked in zip(mine, expected, strict=True):
                right = vars(walked) | {"elapsed": minutes(walked.elapsed)}
                assert near(told(clock, books.latest, at), now) == near(right, now), (
                    f"{name} of {day}: {case}"
                )
                seen += 1
    assert seen > 2 * len(days)
