"""Measures of use: they say who opened, assigned and closed, and count only their time."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from desk import routing, tickets
from desk.adoption import use
from desk.db.engine import Database
from desk.tickets import By, NewTicket, Role, closing, steps
from tests.desk.lifecycle.cases import AGENT, LATER, SUPERVISOR, closed, resolved
from tests.desk.routing.cases import begin
from tests.rig.samples import NOW
from tests.rig.samples import begin as call

DAY = timedelta(days=1)


async def test_each_is_counted_by_the_way_it_came_about(db: Database) -> None:
    def work(c: Connection) -> None:
        begin(c)
        closed(c, "c1")
        open_ = resolved(c, "c2")
        closing.override(
            c, open_.id, "王主管", "联系不上", LATER, by=SUPERVISOR, expected_version=open_.version
        )
        by_hand = tickets.open_ticket(c, NewTicket("complaint", "x"), NOW, actor="agent:8001")
        call(c, "c3")
        new = NewTicket("complaint", "x", call_id="c3")
        clicked = tickets.open_ticket(c, new, NOW, actor="agent:8001")
        tickets.open_ticket(c, NewTicket("complaint", "x"), NOW)
        routing.route(c, by_hand.id, NOW)
        steps.assign(c, clicked.id, NOW, by=AGENT, expected_version=1, team="tianjin")
        found = use(c, NOW - DAY, NOW + DAY)
        assert found.opened == {"call": 2, "click": 1, "hand": 1, "program": 1}
        assert found.assigned == {"rules": 1, "people": 1}
        assert found.levelled == {"rules": 1}
        assert found.closed == {"talk": 1, "override": 1}
        assert found.shares["closed_confirmed"] == 0.5
        assert found.shares["tickets_from_calls"] == 0.6
        assert found.shares["surveys_answered"] is None

    await db.write(work)


async def test_what_rules_gave_wrongly_and_what_came_back_shows(db: Database) -> None:
    def work(c: Connection) -> None:
        rules = By("rule:north", Role.SYSTEM)
        for call_id, to in (("c1", "北京"), ("c2", "北京"), ("c3", "天津")):
            done = closed(c, call_id)
            again = closing.reopen(
                c, done.id, "又坏了", LATER, by=AGENT, expected_version=done.version
            )
            given = steps.assign(
                c, done.id, LATER, by=rules, expected_version=again.version, team="天津"
            )
            steps.assign(
                c, done.id, LATER, by=AGENT, expected_version=given.version, team=to,
                assignee="张敏",
            )  # fmt: skip
        found = use(c, NOW - DAY, NOW + DAY)
        assert (found.moved, found.shares["rules_kept"]) == (2, 0.3333)
        assert (found.reopened, found.shares["reopened"]) == (3, 1.0)

    await db.write(work)


async def test_a_team_is_told_of_its_own_tickets(db: Database) -> None:
    def work(c: Connection) -> None:
        one, two = closed(c, "c1"), resolved(c, "c2")
        again = closing.reopen(c, one.id, "又坏了", LATER, by=AGENT, expected_version=one.version)
        steps.assign(c, one.id, LATER, by=AGENT, expected_version=again.version, team="天津")
        found = use(c, NOW - DAY, NOW + DAY, "天津")
        assert (found.opened, found.closed, found.reopened) == ({"call": 1}, {"talk": 1}, 1)
        assert found.delivered == {}
        assert use(c, NOW - DAY, NOW + DAY, "北京").opened == {}
        assert use(c, NOW - DAY, NOW + DAY).opened == {"call": 2}
        assert two.team == ""

    await db.write(work)


async def test_only_its_time_is_counted(db: Database) -> None:
    def work(c: Connection) -> None:
        for days in range(10):
            tickets.open_ticket(c, NewTicket("complaint", "x"), NOW + days * DAY)
        found = use(c, NOW + 3 * DAY, NOW + 6 * DAY)
        assert found.opened == {"program": 3}
        assert use(c, NOW + 20 * DAY, NOW + 30 * DAY).opened == {}
        assert use(c, NOW - 20 * DAY, NOW + 30 * DAY).opened == {"program": 10}
        with pytest.raises(ValueError, match="later end"):
            use(c, NOW, NOW)

    await db.write(work)
