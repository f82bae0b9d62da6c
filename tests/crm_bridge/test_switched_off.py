"""While the CRM is switched off nothing is sent to it, and nothing is lost to it."""

import asyncio

import pytest

from crm_bridge.delivery import Bridge
from crm_bridge.settings import BridgeSettings
from desk import outbox
from tests.crm_bridge.virtual import MemoryDatabase, Puppet, clock

TARGET = {"kind": "webhook", "name": "crm", "url": "http://127.0.0.1:9/none"}
SETTINGS = BridgeSettings.model_validate({"targets": [TARGET]})


async def off(db: MemoryDatabase, *calls: str) -> None:
    """A process with the switch off, and calls that it serves."""
    async with Bridge(db, SETTINGS, {}, clock=clock):  # type: ignore[arg-type]
        for call in calls:
            await db.add(call, 2)
        await asyncio.sleep(3600)


async def on(db: MemoryDatabase, puppet: Puppet, *calls: str) -> None:
    """A process with the switch on."""
    async with Bridge(db, SETTINGS, {"crm": puppet}, clock=clock, draw=lambda: 1.0):  # type: ignore[arg-type]
        for call in calls:
            await db.add(call, 2)
        await asyncio.sleep(3600)


@pytest.mark.looptime
async def test_what_happens_from_the_very_first_start_arrives_once_it_is_on() -> None:
    db, puppet = MemoryDatabase(), Puppet()
    await db.add("before-there-was-a-target")
    await off(db, "a", "b")
    await off(db, "c")  # a restart forgets nothing
    assert (await db.read(outbox.counts))["crm"].pending == 6
    await on(db, puppet, "d")
    assert sorted(puppet.accepted) == [
        (f"call:{call}", seq)
        for call, first in (("a", 2), ("b", 4), ("c", 6), ("d", 8))
        for seq in (first, first + 1)
    ]
    db.close()


@pytest.mark.looptime
async def test_a_target_that_was_served_before_gets_what_it_missed_once_and_in_order() -> None:
    db, puppet = MemoryDatabase(), Puppet()
    await on(db, puppet, "a")
    await off(db, "a", "a")
    assert len(puppet.accepted) == 2
    await on(db, puppet)
    assert [seq for _, seq in puppet.accepted] == [1, 2, 3, 4, 5, 6]
    db.close()
