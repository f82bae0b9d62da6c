"""Whatever people and machines try with tickets, on any day of 2026 and in whatever order: what
becomes of them is what a walk minute by minute says, and no ticket is ever closed without the
customer's word or a named supervisor's.
"""

import ast
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from desk import sla, tasks, tickets, timeline
from desk.db.engine import Database
from desk.errors import (
    ConfirmationRefused,
    DeskError,
    HandoverRefused,
    NoSuchHandover,
    NotLinkable,
    RoleNotAllowed,
    TransitionIncomplete,
    TransitionRefused,
    VersionConflict,
)
from desk.sla.book import Book, BookData
from desk.sla.projection import refresh
from desk.tasks import NewTask
from desk.teamwork import attachments, watching
from desk.teamwork.attachments import NewAttachment
from desk.teamwork.settings import AttachmentSettings
from desk.tickets import (
    By,
    Given,
    Identity,
    Role,
    Source,
    closing,
    handovers,
    links,
    merging,
    notes,
    overdue,
    steps,
    voiding,
)
from desk.tickets.lifecycle import standing
from desk.tickets.survivors import survivor_of
from tests.desk.lifecycle import oracle
from tests.desk.lifecycle.oracle import Command, Walk, team
from tests.desk.sla.cases import talk
from tests.rig.samples import begin, call_with_ticket

CASES = 2
STEPS = 25
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
REFUSALS: dict[str, type[DeskError]] = {
    "stale": VersionConflict,
    "not from here": TransitionRefused,
    "role": RoleNotAllowed,
    "incomplete": TransitionIncomplete,
    "no confirmation": ConfirmationRefused,
    "not linkable": NotLinkable,
    "hand-over refused": HandoverRefused,
    "no hand-over": NoSuchHandover,
}
_numbers = count()


def moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def minute_of(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp()) // 60


def hour_to_take_over() -> Book:
    target = {"due_minutes": oracle.TERM, "clock": "wall", "steps": [{"to": "lead", "share": 1}]}
    policy = {"name": "all", "targets": {"hand_over": target}}
    calendar = {"timezone": "Asia/Shanghai", "hours": {"workday": ["09:00-18:00"]}}
    content = {"policies": [policy], "calendars": {"default": calendar}, "known_through": 2026}
    return Book.of(BookData.model_validate(content))


WISHES = [
    *["onward"] * 4,
    *["likely"] * 3,
    "known",
    "hand-over",
    "hand-over",
    "adds",
    "any",
    "look",
]
ONWARD = {"in_progress", "resolved", "closed"}


def chosen(chance: random.Random, walk: Walk) -> Command:
    """What is tried next: mostly what leads on, by somebody who may."""
    which = chance.randrange(len(walk.cases))
    case = walk.cases[which]
    roles = sorted(oracle.EVERYBODY)
    leading = oracle.leading_on(case.status)
    action, role = chance.choice(oracle.HAND_OVERS), chance.choice(roles)
    match chance.choice(WISHES):
        case "onward" | "likely" as wish:
            onward = [row for row in leading if wish == "onward" and row.to in ONWARD]
            row = chance.choice(onward or leading)
            action, role = row.action, chance.choice(sorted(row.roles))
        case "known":
            action = chance.choice(leading).action
        case "adds":
            action = chance.choice(oracle.ADDITIONS)
        case "any":
            action = chance.choice(oracle.ROWS).action
        case "look":
            action = "pass_void"
        case _ if case.under_way is None:
            action = "ask"
    return Command(
        action,
        role,
        which,
        chance.randrange(len(walk.cases)),
        words=chance.random() < 0.85,
        named=chance.random() < 0.5,
        source=chance.choice(
            ["key", "sms", "link"] if role == "system" else ["talk"] * 4 + ["key"]
        ),
        stale=chance.random() < 0.06,
        drawn=chance.random() < 0.5,
    )


class Lives:
    """Tickets in the desk that go the way of a walk."""

    def __init__(self, db: Connection, walk: Walk) -> None:
        self.db, self.walk = db, walk
        number = next(_numbers)
        self.calls = [f"life{number}-{n}" for n in range(len(walk.cases))]
        self.ids = [call_with_ticket(db, call, self.now).id for call in self.calls]
        for call in self.calls:
            talk(db, call, self.now)

    @property
    def now(self) -> datetime:
        return moment(self.walk.minute)

    def wait(self, minutes: int) -> None:
        """Time passes, and what happens by itself happens when it is due."""
        self.walk.pass_minutes(minutes)
        while (at := overdue.next_overdue(self.db)) is not None and at <= self.now:
            overdue.mark_overdue(self.db, at)

    def attempt(self, command: Command) -> None:
        version = self.walk.cases[command.which].version
        wanted = self.walk.attempt(command)
        got = ""
        try:
            with self.db.begin_nested():
                self._do(command, version - command.stale)
        except DeskError as error:
            got = next(why for why, kind in REFUSALS.items() if isinstance(error, kind))
        assert got == wanted, f"{command} in {self.walk.cases[command.which]}"
        if not got and command.action not in oracle.ADDITIONS:
            refresh(self.db, self.ids[command.which])  # its clocks follow; here at once

    def _do(self, command: Command, version: int) -> None:
        db, now = self.db, self.now
        ticket_id, other = self.ids[command.which], self.ids[command.other]
        by = By(command.role, Role(command.role))
        if command.action in oracle.ADDITIONS:
            _add(db, command.action, ticket_id, other, now, by)
            return
        words = "因为" if command.words else " "
        place: dict[str, Any] = {
            "team": team(command.other) if command.words else None,
            "assignee": "张敏" if command.named else None,
        }
        how: dict[str, Any] = {"by": by, "expected_version": version}
        given = _given(self.calls[command.which], Source(command.source))
        doing: dict[str, Callable[[], object]] = {
            "assign": lambda: steps.assign(db, ticket_id, now, **how, **place),
            "start": lambda: steps.start(db, ticket_id, now, **how),
            "wait": lambda: steps.wait(db, ticket_id, words, now, **how),
            "escalate": lambda: steps.escalate(db, ticket_id, words, now, **how, **place),
            "resolve": lambda: closing.resolve(db, ticket_id, words, now, **how),
            "confirm": lambda: closing.confirm(db, ticket_id, given, now, **how),
            "override": lambda: closing.override(db, ticket_id, "王莉", words, now, **how),
            "solve_in_call": lambda: closing.solve_in_call(
                db, ticket_id, words, given, now, **how
            ),
            "reopen": lambda: closing.reopen(db, ticket_id, words, now, **how),
            "void": lambda: voiding.void(
                db, ticket_id, "test" if command.words else "lazy", now, **how,
                draw=lambda: 0.0 if command.drawn else 0.999,
            ),
            "pass_void": lambda: voiding.pass_void(db, ticket_id, now, **how),
            "merge": lambda: merging.merge(db, ticket_id, other, now, **how),
            "unmerge": lambda: merging.unmerge(db, ticket_id, words, now, **how),
            "ask": lambda: handovers.ask(
                db, ticket_id, team(command.other), words, now, **how
            ),
            "take": lambda: handovers.take(db, ticket_id, now, **how),
            "refuse": lambda: handovers.refuse(db, ticket_id, words, now, **how),
            "withdraw": lambda: handovers.withdraw(db, ticket_id, now, **how),
        }  # fmt: skip
        doing[command.action]()

    def check(self) -> None:
        for which, (case, ticket_id) in enumerate(zip(self.walk.cases, self.ids, strict=True)):
            self._check_row(case, ticket_id)
            told = tickets.history.of_ticket(self.db, ticket_id)
            assert [step.action for step in told[1:]] == case.actions
            times = [(minute_of(step.at), step.status.value) for step in told]
            assert list(_each_minute(times, case.opened, self.walk.minute)) == case.stood
            stands_for = tickets.get(self.db, survivor_of(self.db, ticket_id))
            assert stands_for is not None
            assert stands_for.status == self.walk.fate(which), "it follows its survivor"

    def _check_row(self, case: oracle.Case, ticket_id: int) -> None:
        ticket = tickets.get(self.db, ticket_id)
        assert ticket is not None
        assert {
            "status": ticket.status,
            "version": ticket.version,
            "cycle": ticket.cycle,
            "priority": ticket.priority,
            "team": ticket.team,
            "assignee": ticket.assignee,
            "check": ticket.void_check,
            "resolved_at": minute_of(ticket.resolved_at),
            "closed_at": minute_of(ticket.closed_at),
            "counts_as": standing(ticket.status),
        } == {name: getattr(case, name) for name in (
            "status", "version", "cycle", "priority", "team", "assignee", "check",
            "resolved_at", "closed_at", "counts_as",
        )}  # fmt: skip
        answers = tickets.confirmations.of_ticket(self.db, ticket_id)
        assert [(each.answer, each.cycle) for each in answers] == case.answers
        assert (ticket.confirmation_id is not None) is (ticket.status == "closed")
        if ticket.confirmation_id is not None:
            assert answers[-1].id == ticket.confirmation_id
            assert answers[-1].answer == "solved" or (answers[-1].supervisor and answers[-1].reason)
        found = handovers.of_ticket(self.db, ticket_id)
        assert [(each.to_team, each.state, minute_of(each.overdue_at)) for each in found] == [
            (each.to_team, each.state, each.overdue_at) for each in case.hand_overs
        ]
        told = timeline.entries_after(self.db, 0, 999, ticket_id=ticket_id)
        late = [each for each in case.hand_overs if each.overdue_at is not None]
        assert sum(entry.kind == "handover.overdue" for entry in told) == len(late), "once each"


def _add(db: Connection, what: str, ticket_id: int, other: int, now: datetime, by: By) -> None:
    """Whatever adds to a ticket and leaves its version alone."""
    name = f"{what}{next(_numbers)}"
    match what:
        case "note" | "public_note":
            notes.add(db, ticket_id, "记一笔", now, by=by, public=what == "public_note")
        case "watch":
            watching.watch(db, ticket_id, name, now, by=by)
        case "link" if ticket_id != other:
            links.add(db, ticket_id, other, links.Kind.RELATED, now, by=by)
        case "task":
            tasks.add(db, NewTask("回电", "agent:8001", name, ticket_id=ticket_id), now)
        case "join":
            begin(db, name, now=now)
            tickets.join(db, name, ticket_id, now)
        case "attach":
            new = NewAttachment(name, f"{name}.txt", "text/plain", 1, "0" * 64, False)
            attachments.add(db, ticket_id, new, now, by=by, settings=AttachmentSettings())


def _given(call_id: str, source: Source) -> Given:
    match source:
        case Source.TALK:
            return Given(Source.TALK, Identity.ASKED, call_id=call_id)
        case Source.KEY:
            return Given(Source.KEY, Identity.TICKET_NUMBER, call_id=call_id)
        case Source.SMS:
            return Given(Source.SMS, Identity.SENDER, evidence="好了")
        case _:
            return Given(Source.LINK, Identity.TOKEN, evidence="link-1")


def _each_minute(told: list[tuple[int | None, str]], opened: int, until: int) -> Iterator[str]:
    """Where the ticket stood in each minute, by its history."""
    for minute in range(opened, until):
        yield [status for at, status in told if at is not None and at <= minute][-1]


def live(db: Connection, day: date, chance: random.Random, cases: int, most: int) -> int:
    """Tickets of that day, and what became of them; how much of it was done."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60 - 8 * 60
    lives = Lives(db, Walk(cases, midnight + chance.randrange(1440)))
    for _ in range(most):
        lives.wait(chance.choice([0, 0, 1, 1, 7, 29, 60, 61]))
        lives.attempt(chosen(chance, lives.walk))
    lives.wait(oracle.TERM + 1)  # what is under way comes to its end
    lives.check()
    return sum(len(case.actions) for case in lives.walk.cases)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life of 25 steps shrinks too slowly
)
@given(day=st.sampled_from(DAYS), chance=st.randoms(use_true_random=False))
async def test_no_order_of_steps_leads_elsewhere_than_a_walk_says(
    db: Database, day: date, chance: random.Random
) -> None:
    await db.write(sla.apply, hour_to_take_over(), datetime(2025, 12, 30, tzinfo=UTC))
    await db.write(live, day, chance, CASES, STEPS)
    assert (await db.read(timeline.verify)).intact


@pytest.mark.parametrize("quarter", range(4))
async def test_cases_of_every_day_of_2026_live_as_a_walk_says(db: Database, quarter: int) -> None:
    await db.write(sla.apply, hour_to_take_over(), datetime(2025, 12, 30, tzinfo=UTC))
    days = [day for day in DAYS if (day.month - 1) // 3 == quarter]
    done = 0
    for day in days:
        chance = random.Random(day.toordinal())  # noqa: S311 - the same lives every time
        done += await db.write(live, day, chance, CASES, 10)
    assert done > 3 * len(days)
    assert (await db.read(timeline.verify)).intact


@pytest.mark.parametrize("room", ["lifecycle", "sla"])
def test_who_walks_knows_nothing_of_the_desk(room: str) -> None:
    walker = Path(__file__).resolve().parents[1] / room / "oracle.py"
    found = set()
    for node in ast.walk(ast.parse(walker.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or ".").partition(".")[0])
    assert found <= {"collections", "dataclasses", "datetime", "zoneinfo"}
