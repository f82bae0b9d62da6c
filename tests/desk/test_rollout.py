"""Switches: what is off does nothing, and is not caught up with when it is switched on."""

from datetime import datetime

from sqlalchemy import Connection

from desk import tickets
from desk.chores import Chore, Entry, catch_up, follower
from desk.db.engine import Database
from desk.rollout import RolloutSettings, Switch, gated
from desk.tickets import NewTicket
from tests.rig.samples import NOW


def test_levels_and_assignment_need_the_rules() -> None:
    off = RolloutSettings.model_validate({"routing": {"rules": False}})
    assert not off.on(Switch.ROUTING_LEVELS)
    assert not off.on(Switch.ROUTING_ASSIGNMENT)
    assert off.on(Switch.AUTOMATION_RULES)
    assert RolloutSettings().switches() == {switch.value: True for switch in Switch}


async def test_what_happened_while_it_was_off_is_not_caught_up_with(db: Database) -> None:
    seen: list[int] = []

    def react(_db: Connection, entry: Entry, _now: datetime) -> None:
        seen.append(entry.seq)

    chore = follower("test", ("ticket.opened",), react, from_start=True)

    def open_one(c: Connection) -> None:
        tickets.open_ticket(c, NewTicket("complaint", "x"), NOW)

    for on in (True, False, True):
        await db.write(open_one)
        await catch_up(db, gated(on, [chore]), lambda: NOW)
    assert seen == [1, 3]


async def test_a_chore_by_time_that_is_off_is_never_due(db: Database) -> None:
    [idle] = gated(False, [Chore("x", lambda _db, _now, _limit: 1, lambda _db: NOW)])
    assert await db.read(idle.next_at) is None
    assert await db.write(idle.work, NOW, 1) == 0
