"""Several senders of one database in virtual time, and what is forgotten after its time."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from looptime import new_event_loop

from crm_bridge.delivery import Bridge
from crm_bridge.outcome import Accepted, Outcome, Rejected, Unavailable
from crm_bridge.pruning import AT_ONCE, EVERY_SECONDS
from crm_bridge.settings import BridgeSettings
from crm_bridge.worker import BUSY_LOOK_SECONDS, LEASE_MARGIN_SECONDS, LOOK_SECONDS
from desk import outbox
from desk.outbox import Counts, Delivery
from tests.crm_bridge.virtual import MemoryDatabase, Puppet, clock

SETTINGS = BridgeSettings(retry_first_seconds=1, retry_most_seconds=8, in_flight=4)
LEASE = 5 + 1 + LEASE_MARGIN_SECONDS
"""The deadline of a Puppet and the two margins."""


def bridge(db: MemoryDatabase, puppet: Puppet, keep_days: float = 30) -> Bridge:
    settings = SETTINGS.model_copy(update={"keep_days": keep_days})
    return Bridge(db, settings, {"crm": puppet}, clock=clock, draw=lambda: 0.5)  # type: ignore[arg-type]


@pytest.mark.looptime
async def test_a_second_sender_leaves_alone_what_the_first_one_sends() -> None:
    db, slow, second = MemoryDatabase(), Puppet(seconds=4), Puppet()
    async with bridge(db, slow):
        await db.add("call-1", 3)
        await asyncio.sleep(1)
        async with bridge(db, second):
            await asyncio.sleep(2)
            assert second.pushed == [], "its head is on its way"
            before = db.writes
            await asyncio.sleep(1)
            assert db.writes - before <= 2 / BUSY_LOOK_SECONDS + 3, "and it asks without haste"
            await asyncio.sleep(10)
    db.close()
    assert sorted([*slow.accepted, *second.accepted]) == [("call:call-1", n) for n in (1, 2, 3)]


@pytest.mark.looptime
async def test_what_a_dead_sender_had_is_sent_when_its_lease_ends_and_not_before() -> None:
    db, survivor = MemoryDatabase(), Puppet()
    await db.write(outbox.fan_out, ["crm"], clock())
    await db.add("call-1", 2)
    await db.write(outbox.fan_out, ["crm"], clock())
    lease_end = clock() + timedelta(seconds=LEASE)
    await db.write(outbox.claim, "crm", "dead", clock(), lease_end, 10)
    async with bridge(db, survivor):
        await asyncio.sleep(LEASE - 1)
        assert survivor.pushed == []
        await asyncio.sleep(1 + LOOK_SECONDS)
    db.close()
    assert [seq for _, seq in survivor.accepted] == [1, 2]


@pytest.mark.looptime
async def test_a_sender_that_is_closed_gives_back_what_it_could_not_finish() -> None:
    db, stuck, next_one = MemoryDatabase(), Puppet(seconds=4.9), Puppet()
    async with bridge(db, stuck):
        await db.add("call-1")
        await asyncio.sleep(0.5)
        assert len(stuck.pushed) == 1
    async with bridge(db, next_one):
        await asyncio.sleep(1)
        assert [seq for _, seq in next_one.accepted] == [1], "without waiting for a lease"
    db.close()


OUTCOMES = st.sampled_from(
    [Accepted(), Unavailable("down"), Unavailable("busy", 3.0), Rejected("no")]
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=10),
    st.lists(OUTCOMES, max_size=40),
    st.lists(st.floats(0, 4), min_size=3, max_size=3),
)
def test_whatever_happens_several_senders_keep_each_calls_order(
    bursts: Sequence[tuple[int, int]], outcomes: Sequence[Outcome], speeds: Sequence[float]
) -> None:
    left = list(outcomes)
    accepted: list[tuple[str, int]] = []

    def script(delivery: Delivery) -> Outcome:
        outcome = left.pop() if left else Accepted()
        if isinstance(outcome, Accepted):
            accepted.append((delivery.key, delivery.seq))
        return outcome

    async def run() -> None:
        db = MemoryDatabase()
        async with AsyncExitStack() as stack:
            for seconds in speeds:
                await stack.enter_async_context(bridge(db, Puppet(seconds, script)))
            for call, count in bursts:
                await db.add(f"call-{call}", count)
                await asyncio.sleep(0.3)
            await asyncio.sleep(1200)
            dead = {one.seq for one in await db.read(outbox.dead, "crm")}
            assert (await db.read(outbox.counts))["crm"].pending == 0
        db.close()
        assert len(accepted) == len(set(accepted)), "nobody's lease ended: nothing comes twice"
        for key in {key for key, _ in accepted}:
            seqs = [seq for of, seq in accepted if of == key]
            assert seqs == sorted(seqs)
        everything = set(range(1, 1 + sum(count for _, count in bursts)))
        assert {seq for _, seq in accepted} | dead == everything

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())


@pytest.mark.looptime
async def test_what_arrived_is_forgotten_after_its_days_and_dead_letters_are_not() -> None:
    def script(delivery: Delivery) -> Outcome:
        return Rejected("no") if delivery.key == "call:poison" else Accepted()

    db, puppet = MemoryDatabase(), Puppet(script=script)
    async with bridge(db, puppet, keep_days=3 / 24):
        await db.add("poison")
        await db.add("call-1", AT_ONCE // 100)
        await asyncio.sleep(600)
        later = clock() + timedelta(days=31)
        assert len(await db.read(outbox.old, later, 100)) == AT_ONCE // 100
        await asyncio.sleep(2 * EVERY_SECONDS)
        assert len(await db.read(outbox.old, later, 100)) == AT_ONCE // 100
        await asyncio.sleep(2 * EVERY_SECONDS)
        assert await db.read(outbox.old, later, 100) == []
        assert (await db.read(outbox.counts))["crm"] == Counts(0, 1)
    db.close()
