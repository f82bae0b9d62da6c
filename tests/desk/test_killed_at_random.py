"""Whoever is killed or frozen in the middle: what happens by itself happens once, and is not lost.

`HUISHENG_HARMS=200` makes the storm long; `HUISHENG_SEED` repeats one.
"""

import logging
import os
import random
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from desk import sla, tickets, timeline
from desk.chores import Chore, Entry, catch_up, follower
from desk.db.engine import Database
from desk.db.schema import tickets as ticket_table
from desk.errors import DeskError
from desk.links import LinkSettings
from desk.region import locate
from desk.service import ServiceSettings, chores
from desk.surveys import SurveySettings
from desk.tickets import SYSTEM, Given, Identity, NewTicket, Source, closing
from tests.desk.processes import Clock, Herd, counted, doubled, entries, quiet, storm
from tests.desk.sla.books import book
from tests.desk.sla.cases import go, hand_over
from tests.rig.samples import NOW, begin

HARMS = int(os.environ.get("HUISHENG_HARMS", "16"))
SEED = int(os.environ.get("HUISHENG_SEED", "0")) or random.SystemRandom().randrange(1 << 30)
SPEED = 900.0  # a second is a quarter of an hour
MOST_OPEN = 150
SETTINGS = ServiceSettings(
    links=LinkSettings(base_url="https://hui.example.cn"),
    surveys=SurveySettings(most_per_month=31),
)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


def echo(db: Connection, entry: Entry, now: datetime) -> None:
    """An effect of one entry: what a follower does."""
    body = {"seq": entry.seq, "number": entry.body["number"]}
    timeline.append(db, kind="echo.heard", body=body, now=now, ticket_id=entry.ticket_id)


def all_chores() -> list[Chore]:
    """What a process of the service keeps, and a follower that tells what it heard."""
    echoes = follower("echo", ("ticket.opened", "ticket.assigned"), echo, from_start=True)
    return [*chores(SETTINGS), echoes]


class Load:
    """Cases that are opened, worked on and handed over while processes die."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock, self._open = db, clock, 0

    async def __call__(self, chance: random.Random) -> None:
        if self._open < 5 or (self._open < MOST_OPEN and chance.random() < 0.4):
            self._open = await self._db.write(_opened, self._open, self._clock())
            return
        ticket_id = chance.randint(max(1, self._open - 30), self._open)
        with suppress(DeskError):  # what the lifecycle refuses
            if chance.random() < 0.3:
                how = chance.choice(["ask", "ask", "take"])
                await self._db.write(hand_over, ticket_id, self._clock(), how)
            elif chance.random() < 0.2:
                await self._db.write(_confirm, self._clock())
            else:
                states = ["assigned", "in_progress", "waiting_customer", "resolved", "resolved"]
                states.append("reopened")
                await self._db.write(go, ticket_id, self._clock(), chance.choice(states))


def _opened(db: Connection, number: int, now: datetime) -> int:
    """A call from a mobile that nobody else has left a case."""
    begin(db, f"c{number}", locate(f"1382022{number:04d}"), now)
    return tickets.open_ticket(db, NewTicket("complaint", "投诉", call_id=f"c{number}"), now).id


def _confirm(db: Connection, now: datetime) -> None:
    """The customer of some resolved case says by SMS that it is."""
    resolved = select(ticket_table.c.id).where(ticket_table.c.status == "resolved")
    ticket_id = db.execute(resolved.order_by(ticket_table.c.id).limit(1)).scalar_one_or_none()
    if ticket_id is not None:
        given = Given(Source.SMS, Identity.SENDER, evidence="1")
        closing.confirm(db, ticket_id, given, now, by=SYSTEM, expected_version=None)


def _one_of_each(db: Connection, now: datetime) -> None:
    """However short the storm: somebody is asked, and somebody surveyed."""
    for number in (MOST_OPEN + 1, MOST_OPEN + 2):
        go(db, _opened(db, number, now), now, "resolved")
        if number % 2:
            _confirm(db, now)


def due(db: Connection, now: datetime) -> set[tuple[int, str, int, str]]:
    """Every step that was to fire by now, as histories and policies have it."""
    books = sla.in_force(db)
    assert books is not None
    found = set()
    for ticket_id in db.execute(select(ticket_table.c.id)).scalars():
        history = sla.history_of(db, ticket_id)
        assert history is not None
        for clock in sla.clocks(history, books):
            for step, at in clock.steps:
                if at <= now:
                    found.add((ticket_id, str(clock.target), clock.cycle, step))
    return found


async def test_each_effect_happens_once_whoever_dies_in_the_middle(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - nothing secret
    clock = Clock(NOW, SPEED, tmp_path / "stopped")
    async with await Database.open(database_url, wait_seconds=20) as db:
        await db.write(sla.apply, book(60, response=30, hand_over=30), NOW)
        await catch_up(db, all_chores(), clock)  # from here on followers follow
        herd = Herd(database_url, f"{__name__}:all_chores", clock, tmp_path)
        async with herd:
            await storm(herd, chance, HARMS, Load(db, clock))
            await db.write(_one_of_each, clock())
            end = clock.stop()
            await quiet(herd, db, all_chores(), seconds=60 + HARMS)
        before = len(await entries(db))
        await catch_up(db, all_chores(), lambda: end)
        told = await entries(db)
        verdict = await db.read(timeline.verify)
        wanted = await db.read(due, end)
        notices = await db.read(_notices)
        unasked = await db.read(_unasked)
    about = f"seed {SEED}, {dict(herd.harmed)}, {len(told)} entries"
    assert sum(herd.harmed.values()) == HARMS
    assert len(told) == before, f"the processes left what was to be done: {about}"
    assert verdict.intact, about
    fired = counted(told, "sla.escalated", "target", "cycle", "step")
    assert doubled(fired) == [], about
    assert wanted - set(fired) == set(), f"lost: {about}"
    assert fired, "the storm was too short to escalate anything"
    echoes = counted(told, "echo.heard", "seq")
    assert doubled(echoes) == [], about
    heard = {seq for _, seq in echoes}
    assert heard == {e.seq for e in told if e.kind in ("ticket.opened", "ticket.assigned")}, about
    overdue = counted(told, "handover.overdue", "due_at", "to_team")
    assert doubled(overdue) == [], about
    told_once = {(entry.ticket_id, f"entry:{entry.seq}") for entry in told
                 if entry.kind == "sla.escalated"}  # fmt: skip
    assert told_once <= set(notices), f"somebody was not told: {about}"
    sent = counted(told, "notice.sent", "notice_id")
    assert doubled(sent) == [], about
    assert unasked == [], f"a customer was not asked: {about}"
    for kind, names in ONCE.items():
        effects = counted(told, kind, *names)
        assert effects, f"the storm was too short for {kind}: {about}"
        assert doubled(effects) == [], f"{kind}: {about}"
        about += f", {len(effects)} {kind}"
    logging.getLogger(__name__).info("%s", about)


ONCE = {
    "outbound.requested": ("request_id",),
    "survey.asked": ("survey_id",),
    "message.queued": ("message_id",),
}
"""Kinds of entries, and what of their bodies makes an effect one; in the database a request is one
per ticket and cycle, as a survey and each message is."""
UNASKED = """
    SELECT t.id, t.cycle, t.status FROM tickets t
    WHERE t.status = 'resolved' AND (SELECT count(*) FROM outbound_requests r
          JOIN messages m ON m.key = 'outbound:confirm:' || t.id || ':' || t.cycle
          WHERE r.ticket_id = t.id AND r.cycle = t.cycle AND r.state = 'asked') != 1
       OR t.status = 'closed' AND (SELECT count(*) FROM surveys s
          JOIN messages m ON m.key = 'survey:' || s.id
          WHERE s.ticket_id = t.id AND s.cycle = t.cycle) != 1
"""


def _unasked(db: Connection) -> list[tuple[int, int, str]]:
    """Resolved cases without the one question whether they are, closed ones without their one
    survey, or either without its SMS."""
    return [(row.id, row.cycle, row.status) for row in db.execute(text(UNASKED))]


def _notices(db: Connection) -> list[tuple[int, str]]:
    rows = db.execute(text("SELECT ticket_id, key FROM notices WHERE kind = 'sla'"))
    return [(row.ticket_id, row.key) for row in rows]
