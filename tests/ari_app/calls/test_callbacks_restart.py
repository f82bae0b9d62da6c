"""A process dies, or the desk fails, around a call-back: nobody is rung twice, no wish is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from desk import callbacks, journal
from desk.errors import DatabaseBusy
from desk.journal import NewCall
from desk.region import locate
from tests.ari_app.calls.callback_rig import CUSTOMER, World, working
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


class TestRestart:
    async def _dialling(self, world: World, channel_id: str) -> None:
        """What a process leaves that died once it had dialled, or just before."""

        def take(db: Any) -> None:
            now, caller = world.line.now(), locate(CUSTOMER, "022")
            assert callbacks.dialling(db, 1, channel_id, now)
            new = NewCall(channel_id, CUSTOMER, CUSTOMER, caller, direction="outbound")
            journal.begin(db, new, now)

        await world.ask()
        await world.desk.write(take)

    async def test_attempt_of_unknown_outcome_counts_as_made(self, world: World) -> None:
        await self._dialling(world, "huisheng-callback-1-a")
        async with working(world):
            row = await world.until(lambda row: row.state == "waiting")
            assert (row.outcome, row.attempts) == ("lost", 1)
            assert world.pbx.rung == []
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 2)
        assert world.pbx.customers_rung[0] > 10 * MINUTE

    async def test_customer_whom_a_former_process_rings_is_not_rung_a_second_time(
        self, world: World
    ) -> None:
        await self._dialling(world, "huisheng-callback-1-a")
        world.pbx.there.add("huisheng-callback-1-a")
        async with working(world):
            await asyncio.sleep(30)
            assert (await world.row()).state == "dialling"
            world.pbx.end("huisheng-callback-1-a", 19)
            row = await world.until(lambda row: row.state == "waiting")
            assert row.outcome == "lost"
        assert world.pbx.rung == []

    async def test_two_processes_dial_a_customer_once(self, world: World, desk: Desk) -> None:
        other = World.of(desk)
        other.line.ari = world.pbx  # type: ignore[assignment]
        await world.ask()
        async with working(world), working(other):
            await world.done()
            await asyncio.sleep(3600)
        assert len(world.pbx.customers_rung) == 1


class TestTroubleOfTheDesk:
    async def test_nothing_is_dialled_that_the_desk_does_not_know(
        self, world: World, desk: Desk
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(5.5, setattr, desk, "failure", DatabaseBusy("locked"))
        loop.call_later(600, setattr, desk, "failure", None)
        await world.ask()
        async with working(world):
            await asyncio.sleep(590)
            assert world.pbx.customers_rung == []
            assert world.line.queue.standing("8001").state == "ready"
            await asyncio.sleep(60)
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)

    async def test_talk_is_not_repeated_because_its_end_was_not_recorded(
        self, world: World, desk: Desk
    ) -> None:
        await world.ask()
        async with working(world):
            await world.until(lambda row: row.state == "dialling")
            await asyncio.sleep(20)
            desk.lock(1800)
            await asyncio.sleep(1900)
            row = await world.done()
        assert (row.outcome, row.attempts) == ("answered", 1)
        assert len(world.pbx.customers_rung) == 1
