"""A worker in virtual time: hours of outage in a moment, and every order of events."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.delivery import Bridge
from crm_bridge.outcome import Accepted, Outcome, Rejected, Unavailable
from crm_bridge.settings import BridgeSettings
from crm_bridge.worker import LOOK_SECONDS, State
from desk import outbox
from desk.errors import DatabaseBusy
from desk.outbox import Delivery
from tests.crm_bridge.virtual import MemoryDatabase, Puppet, clock

SETTINGS = BridgeSettings(retry_first_seconds=1, retry_most_seconds=600, in_flight=4)
DOWN = Unavailable("down")


@asynccontextmanager
async def _delivering(
    db: MemoryDatabase, puppet: Puppet, draw: float = 1.0, most: float = 600
) -> AsyncIterator[Bridge]:
    settings = SETTINGS.model_copy(update={"retry_most_seconds": most})
    bridge = Bridge(db, settings, {"crm": puppet}, clock=clock, draw=lambda: draw)  # type: ignore[arg-type]
    try:
        async with bridge:
            yield bridge
    finally:
        db.close()


@pytest.mark.looptime
async def test_a_target_that_is_down_is_asked_ever_more_rarely_by_one_push_at_a_time() -> None:
    db, puppet = MemoryDatabase(), Puppet(seconds=0.2, script=lambda _: DOWN)
    async with _delivering(db, puppet):
        for number in range(100):
            await db.add(f"call-{number}")
        await asyncio.sleep(3600)
    first_burst = [at for at, _, _ in puppet.pushed if at < 0.25]
    later = [at for at, _, _ in puppet.pushed if at >= 0.25]
    assert len(first_burst) == SETTINGS.in_flight
    waits = [b - a for a, b in zip([first_burst[-1], *later], later, strict=False)]
    assert waits[:10] == pytest.approx([1, 2, 4, 8, 16, 32, 64, 128, 256, 512], abs=0.3)
    assert len(later) <= 10 + 3600 / 600


@pytest.mark.looptime
async def test_after_an_outage_everything_flows_at_once_again() -> None:
    down = True
    db, puppet = MemoryDatabase(), Puppet(script=lambda _: DOWN if down else Accepted())
    async with _delivering(db, puppet) as bridge:
        for number in range(200):
            await db.add(f"call-{number}", 2)
        await asyncio.sleep(1800)
        assert bridge.status()[0].state is State.ON_HOLD
        down = False
        recovered = clock()
        await asyncio.sleep(620)
        assert len(puppet.accepted) >= 2 * (200 - SETTINGS.in_flight - 12)
        assert bridge.status()[0].state is State.WORKING
        await asyncio.sleep(620)
    assert len(puppet.accepted) == 400
    assert (clock() - recovered).total_seconds() < 1250


@pytest.mark.looptime
async def test_an_entry_that_breaks_its_receiver_does_not_stop_the_others() -> None:
    def script(delivery: Delivery) -> Outcome:
        return Unavailable("HTTP 500") if delivery.key == "call:poison" else Accepted()

    db, puppet = MemoryDatabase(), Puppet(script=script)
    async with _delivering(db, puppet):
        await db.add("poison", 2)
        for number in range(300):
            await db.add(f"call-{number}")
            await asyncio.sleep(1)
        await asyncio.sleep(10)
    assert len(puppet.accepted) == 300
    tries = [at for at, key, _ in puppet.pushed if key == "call:poison"]
    assert 5 <= len(tries) <= 12


@pytest.mark.looptime
async def test_nothing_is_asked_of_an_idle_database() -> None:
    db, puppet = MemoryDatabase(), Puppet()
    async with _delivering(db, puppet):
        await db.add("call-1")
        await asyncio.sleep(1)
        before = db.writes
        await asyncio.sleep(3600)
        assert db.writes - before <= 3600 / LOOK_SECONDS + 1


@pytest.mark.looptime
async def test_a_database_that_is_busy_for_a_while_costs_no_entry() -> None:
    db, puppet = MemoryDatabase(), Puppet()
    async with _delivering(db, puppet):
        await db.add("call-1", 3)
        db.failure = DatabaseBusy("busy")
        await asyncio.sleep(100)
        db.failure = None
        await asyncio.sleep(100)
        count = (await db.read(outbox.counts))["crm"]
    assert [seq for _, seq in puppet.accepted] == [1, 2, 3]
    assert (count.pending, count.dead) == (0, 0)


@pytest.mark.looptime
async def test_a_connector_with_a_bug_is_reported_and_retried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def script(delivery: Delivery) -> Outcome:
        if delivery.attempts == 0:
            raise KeyError("bug")
        return Accepted()

    db, puppet = MemoryDatabase(), Puppet(script=script)
    async with _delivering(db, puppet):
        await db.add("call-1")
        await asyncio.sleep(10)
    assert len(puppet.accepted) == 1
    assert any(r.levelno == logging.ERROR and r.exc_info for r in caplog.records)
    assert puppet.closed


@pytest.mark.looptime
async def test_a_connector_that_hangs_is_cut_off() -> None:
    db, puppet = MemoryDatabase(), Puppet(seconds=10_000)
    async with _delivering(db, puppet) as bridge:
        await db.add("call-1")
        await asyncio.sleep(6.5)
        assert bridge.status()[0].error == "no answer within 6 s"


OUTCOMES = st.sampled_from([Accepted(), DOWN, Unavailable("busy", 3.0), Rejected("no")])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=12),
    st.lists(OUTCOMES, max_size=60),
    st.floats(0, 1),
    st.floats(0, 3),
)
def test_whatever_happens_each_ticket_arrives_in_order(
    bursts: list[tuple[int, int]], outcomes: list[Outcome], chance: float, seconds: float
) -> None:
    left = list(outcomes)
    dead: set[int] = set()

    async def run() -> None:
        def script(delivery: Delivery) -> Outcome:
            return left.pop() if left else Accepted()

        db, puppet = MemoryDatabase(), Puppet(seconds, script)
        async with _delivering(db, puppet, chance, most=8):
            for call, count in bursts:
                await db.add(f"call-{call}", count)
                await asyncio.sleep(chance)
            await asyncio.sleep(1200)
            dead.update(one.seq for one in await db.read(outbox.dead, "crm"))
            assert (await db.read(outbox.counts))["crm"].pending == 0
        order: defaultdict[str, list[int]] = defaultdict(list)
        for key, seq in puppet.accepted:
            order[key].append(seq)
        assert all(seqs == sorted(set(seqs)) for seqs in order.values())
        total = sum(count for _, count in bursts)
        arrived = {seq for _, seq in puppet.accepted}
        assert arrived | dead == set(range(1, total + 1))
        assert not arrived & dead

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(run())
