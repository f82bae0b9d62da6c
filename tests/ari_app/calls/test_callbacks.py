"""Whom we call back and when: once per attempt, within the limits, and no wish lost by us."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from desk import journal, timeline
from desk.outbound import LimitSettings
from tests.ari_app.calls.callback_rig import CUSTOMER, FIRST, TALK_SECONDS, World, working
from tests.ari_app.calls.rig import Desk

pytestmark = pytest.mark.looptime

MINUTE = 60.0


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk()
    yield opened
    opened.close()


@pytest_asyncio.fixture
async def world(desk: Desk) -> World:
    return World.of(desk)


async def test_agent_is_rung_first_then_the_customer_and_both_talk_once(world: World) -> None:
    await world.ask()
    async with working(world):
        row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)
        assert [endpoint for _, endpoint in world.pbx.rung] == [
            "PJSIP/8001",
            f"PJSIP/{CUSTOMER}@carrier",
        ]
        await asyncio.sleep(3600)
        assert len(world.pbx.rung) == 2
    (call,) = [c for c in await world.desk.read(journal.search) if c.direction == "outbound"]
    first = await world.desk.read(journal.get, FIRST)
    assert call.ticket_id == first.ticket_id
    assert (call.dialled, call.caller.e164) == (CUSTOMER, f"+86{CUSTOMER}")
    assert call.id.startswith("huisheng-")
    assert world.line.queue.standing("8001").state == "ready"


async def test_customer_is_not_rung_while_still_hearing_that_we_call_back(world: World) -> None:
    await world.ask(ended=False)
    async with working(world):
        await asyncio.sleep(30)
        assert world.pbx.rung == []
        await world.desk.write(journal.end, FIRST, "completed", world.line.now())
        await world.done()


@pytest.mark.parametrize("answer", ["busy", "silent", "declines"])
async def test_customer_who_is_not_reached_is_rung_again_and_at_last_given_up(
    world: World, answer: str
) -> None:
    world.pbx.customer = [answer]
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("unreachable", 3)
    first, second, third = world.pbx.customers_rung
    assert 10 * MINUTE < second - first < 12 * MINUTE
    assert 10 * MINUTE < third - second < 12 * MINUTE
    told = await world.desk.read(timeline.entries_after, 0, 100, call_id=FIRST)
    end = next(entry for entry in told if entry.kind == "callback.done")
    assert end.ticket_id is not None
    heard = [what for p in world.pbx.phones.values() for what in p.did if "failed" in what]
    assert heard == ["play callback_failed"] * 3
    assert world.pbx.there == set(), "nobody is left on a line"


async def test_agent_is_free_again_while_the_next_attempt_is_due(world: World) -> None:
    world.pbx.customer = ["busy", "answers"]
    await world.ask()
    async with working(world):
        row = await world.until(lambda row: row.state == "waiting" and row.attempts == 1)
        assert row.outcome == "busy"
        assert world.line.queue.standing("8001").state == "ready"
        assert world.line.queue.waiting() == ()
        assert (await world.done()).outcome == "answered"


@pytest.mark.parametrize("fault", ["trunk", "refused"])
async def test_trunk_that_fails_costs_no_attempt_and_is_tried_ever_more_seldom(
    world: World, fault: str
) -> None:
    world.pbx.customer = [*[fault] * 5, "busy", "answers"]
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("answered", 7)
    at = world.pbx.customers_rung
    waits = [round((b - a) / MINUTE / 10) for a, b in pairwise(at)]
    assert waits == [1, 2, 4, 8, 16, 1]


async def test_agent_who_does_not_answer_is_followed_by_the_next(world: World) -> None:
    world.pbx.agents = ["silent", "answers"]
    await world.ask()
    async with working(world):
        await world.done()
    assert [endpoint for _, endpoint in world.pbx.rung][:2] == ["PJSIP/8001", "PJSIP/8002"]


@pytest.mark.parametrize("stays", [0.5, 3.0])
async def test_agent_who_hangs_up_does_not_cost_the_customer_an_attempt(
    world: World, stays: float
) -> None:
    """Before the customer is dialled (0.5 s), and while he is rung (3 s)."""
    world.pbx.agent_stays = stays
    await world.ask()
    async with working(world):
        await asyncio.sleep(2 * 3600)
        assert (await world.row()).state != "done"
        world.pbx.agent_stays = None
        assert (await world.done()).outcome == "answered"
    assert len(world.board.connected) == 1
    assert world.pbx.there == set()


async def test_customer_who_hangs_up_before_the_talk_counts_as_reached_in_vain(
    world: World,
) -> None:
    world.board.talks = False
    await world.ask()
    async with working(world):
        row = await world.done()
    assert (row.outcome, row.attempts) == ("unreachable", 3)


class TestLimits:
    async def test_no_more_at_once_than_allowed(self, desk: Desk) -> None:
        world = World.of(desk, LimitSettings(most_at_once=1))
        for number in (1, 2):
            await world.ask(f"huisheng-1.{number}", f"1382022000{number}")
        async with working(world):
            await world.done(1)
            await world.done(2)
        first, second = world.pbx.customers_rung
        assert second - first > TALK_SECONDS

    async def test_no_more_within_an_hour_than_allowed(self, desk: Desk) -> None:
        world = World.of(desk, LimitSettings(most_per_hour=2))
        for number in (1, 2, 3):
            await world.ask(f"huisheng-1.{number}", f"1382022000{number}")
        async with working(world):
            await world.done(3)
        first, _, third = world.pbx.customers_rung
        assert 3600 < third - first < 3600 + 2 * MINUTE

    async def test_only_within_the_hours(self, desk: Desk) -> None:
        world = World.of(desk, hours="day")
        await asyncio.sleep(9 * 3600)  # 19:00
        await world.ask()
        async with working(world):
            await world.done()
        (at,) = world.pbx.customers_rung
        assert 23 * 3600 <= at < 23 * 3600 + 2 * MINUTE  # 9:00

    async def test_number_that_is_not_the_callers_own_is_never_dialled(self, world: World) -> None:
        await world.ask()
        await world.desk.write(_change_number, "02299999999")
        async with working(world):
            row = await world.done()
        assert row.outcome == "refused"
        assert world.pbx.rung == []

    async def test_another_system_on_the_same_desk_keeps_its_own(self, world: World) -> None:
        await world.ask("other-1.1")
        async with working(world):
            await asyncio.sleep(3600)
        assert world.pbx.rung == []


def _change_number(db: Any, number: str) -> None:
    db.exec_driver_sql("UPDATE callbacks SET number = ?", (number,))
