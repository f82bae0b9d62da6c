"""Delivery over real HTTP from a real database: lost, doubled or shuffled entries show here."""

import asyncio
import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from crm_bridge.delivery import Bridge
from crm_bridge.worker import State
from desk import outbox
from desk.db.engine import Database
from tests.crm_bridge.conftest import MakeBridge, Write, settings_for, settled, until
from tests.crm_bridge.receiver import Got, Receiver


async def test_entries_arrive_signed_and_in_order_of_their_ticket(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    async with make_bridge(crm=receiver.url):
        for number in range(5):
            await write(f"call-{number}", 4)
        await receiver.until(lambda: len(receiver.taken) == 20)
        assert (await settled(db)).dead == 0
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for one in receiver.taken:
        by_key[one.key].append(one.seq)
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    message = receiver.taken[0].message
    assert set(message) == {"version", "type", "timestamp", "data"}
    assert message["type"] == "call.noted"
    assert message["data"]["body"] == {"n": 0}


async def test_failures_do_not_shuffle_or_lose_anything(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    tries: defaultdict[int, int] = defaultdict(int)

    def answer(one: Got) -> int:
        tries[one.seq] += 1
        return 200 if tries[one.seq] > one.seq % 3 else (503, 429, 500, 422)[one.seq % 4]

    receiver.answer = answer
    async with make_bridge(crm=receiver.url):
        for _ in range(3):
            for number in range(3):
                await write(f"call-{number}", 2)
        await receiver.until(lambda: len(receiver.taken) == 18, 30)
        await settled(db)
    by_key: defaultdict[str, list[int]] = defaultdict(list)
    for one in receiver.taken:
        by_key[one.key].append(one.seq)
    assert [len(numbers) for numbers in by_key.values()] == [6, 6, 6]
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    ids: defaultdict[int, set[str]] = defaultdict(set)
    for one in receiver.got:
        ids[one.seq].add(one.id)
    assert all(len(same) == 1 for same in ids.values()), "a retry must keep its webhook-id"
    assert len(set().union(*ids.values())) == 18


async def test_a_receiver_that_is_down_gets_everything_when_it_is_back(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    async with make_bridge(crm=receiver.url) as bridge:
        await write("call-1")
        await receiver.until(lambda: len(receiver.taken) == 1)
        await receiver.down()
        await write("call-1", 2)
        await write("call-2", 2)
        await until(lambda: bridge.status()[0].state is State.ON_HOLD)
        assert "Connect" in bridge.status()[0].error
        await receiver.up()
        await receiver.until(lambda: len(receiver.taken) == 5)
        await settled(db)
        assert bridge.status()[0].state is State.WORKING
        assert bridge.status()[0].error == ""


async def test_a_restart_forgets_nothing_and_repeats_nothing(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    async with make_bridge(crm=receiver.url):
        await write("call-1", 2)
        await receiver.until(lambda: len(receiver.taken) == 2)
    await write("call-1", 3)
    async with make_bridge(crm=receiver.url):
        await receiver.until(lambda: len(receiver.taken) == 5)
        await settled(db)
    assert [one.seq for one in receiver.got] == [1, 2, 3, 4, 5]


async def test_a_new_target_begins_with_what_happens_from_now_on(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    await write("old", 3)
    async with make_bridge(crm=receiver.url):
        await write("new", 1)
        await receiver.until(lambda: len(receiver.taken) == 1)
        await settled(db)
    assert [one.message["data"]["call_id"] for one in receiver.got] == ["new"]


async def test_an_outage_of_one_target_does_not_stop_another(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    never = asyncio.Event()
    async with Receiver(answer=lambda _: never) as stuck:
        async with make_bridge(crm=receiver.url, other=stuck.url):
            await write("call-1", 5)
            await receiver.until(lambda: len(receiver.taken) == 5)
            await settled(db, "crm")
            assert (await db.read(outbox.counts))["other"].pending == 5
        assert len(stuck.got) == 1, "one in flight per ticket"


async def test_a_slow_receiver_meets_the_deadline_and_the_id_stays(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    never = asyncio.Event()
    receiver.answer = lambda _: never if len(receiver.got) == 1 else 200
    settings = settings_for(crm=receiver.url)
    target = settings.targets[0].model_copy(update={"deadline_seconds": 0.2})
    settings = settings.model_copy(update={"targets": [target]})
    async with make_bridge(settings):
        await write("call-1")
        await receiver.until(lambda: len(receiver.taken) == 1)
        await settled(db)
    assert len({one.id for one in receiver.got}) == 1


async def test_no_more_pushes_at_once_than_allowed(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    gate = asyncio.Event()
    receiver.answer = lambda _: gate
    settings = settings_for(crm=receiver.url).model_copy(update={"in_flight": 3})
    async with make_bridge(settings):
        for number in range(8):
            await write(f"call-{number}")
        await receiver.until(lambda: len(receiver.got) == 3)
        gate.set()
        await receiver.until(lambda: len(receiver.taken) == 8)
        await settled(db)
    assert receiver.most_at_once == 3


async def test_a_busy_receiver_is_left_alone_as_long_as_it_asks(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    def answer(_: Got) -> int | web.Response:
        if len(receiver.got) == 1:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return 200

    receiver.answer = answer
    async with make_bridge(crm=receiver.url):
        await write("call-1")
        await receiver.until(lambda: len(receiver.got) == 1)
        await write("call-2")
        await receiver.until(lambda: len(receiver.taken) == 2)
        await settled(db)
    assert receiver.got[1].at - receiver.got[0].at >= 0.95


async def test_a_receiver_that_is_gone_gets_nothing_more_and_nothing_is_lost(
    receiver: Receiver,
    make_bridge: MakeBridge,
    write: Write,
    db: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.answer = lambda _: 410
    async with Receiver() as pace, make_bridge(crm=receiver.url, pace=pace.url) as bridge:
        await write("call-1")
        await until(lambda: bridge.status()[0].state is State.DISABLED)
        await write("call-2", 3)
        await pace.until(lambda: len(pace.taken) == 4)
        assert len(receiver.got) == 1
    assert [r.levelno for r in caplog.records if "410" in r.getMessage()] == [logging.ERROR]
    assert (await db.read(outbox.counts))["crm"].pending == 4
    receiver.answer = lambda _: 200
    async with make_bridge(crm=receiver.url):
        await receiver.until(lambda: len(receiver.taken) == 4)


async def test_a_poisoned_entry_lets_its_ticket_pass_and_can_be_replayed(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    receiver.answer = lambda one: 422 if one.seq == 2 else 200
    async with make_bridge(crm=receiver.url) as bridge:
        await write("call-1", 3)
        await receiver.until(lambda: len(receiver.taken) == 2)
        count = await settled(db)
        assert count.dead == 1
        assert [one.seq for one in receiver.taken] == [1, 3]
        assert bridge.status()[0].state is State.WORKING
        (letter,) = await db.read(outbox.dead, "crm")
        assert (letter.seq, letter.attempts) == (2, 5)
        assert letter.last_error.startswith("HTTP 422")
        poisoned = receiver.got[1].id
        receiver.answer = lambda _: 200
        assert await db.write(outbox.replay, "crm", now=datetime.now(UTC)) == 1
        await write("call-1")  # a commit of this process wakes the bridge
        await receiver.until(lambda: len(receiver.taken) == 4)
        await settled(db)
    assert receiver.taken[2].id == poisoned


async def test_a_redirect_is_not_followed(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    async with Receiver() as elsewhere:
        receiver.answer = lambda _: web.Response(status=307, headers={"location": elsewhere.url})
        async with make_bridge(crm=receiver.url) as bridge:
            await write("call-1")
            await receiver.until(lambda: len(receiver.got) >= 2)
            assert "redirects to" in bridge.status()[0].error
        assert elsewhere.got == []


async def test_an_endless_answer_does_no_harm(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    receiver.answer = lambda _: web.Response(body=b"x" * 5_000_000)
    async with make_bridge(crm=receiver.url):
        await write("call-1", 3)
        await receiver.until(lambda: len(receiver.taken) == 3)
        await settled(db)
    assert len(receiver.got) == 3


async def test_entries_older_than_the_limit_are_given_up_only_after_several_attempts(
    receiver: Receiver, make_bridge: MakeBridge, write: Write, db: Database
) -> None:
    receiver.answer = lambda _: 503
    settings = settings_for(crm=receiver.url).model_copy(update={"give_up_after_hours": 1e-6})
    async with make_bridge(settings):
        await write("call-1")
        count = await settled(db)
    assert count.dead == 1
    assert len(receiver.got) == 8


async def test_closing_leaves_no_task_and_keeps_what_was_under_way(
    receiver: Receiver,
    make_bridge: MakeBridge,
    write: Write,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crm_bridge.delivery.GRACE_SECONDS", 0.1)
    never = asyncio.Event()
    receiver.answer = lambda one: never if one.key == "call:slow" else 200
    before = asyncio.all_tasks()
    bridge: Bridge = make_bridge(crm=receiver.url)
    async with bridge:
        await write("slow")
        await write("fast")
        await receiver.until(lambda: len(receiver.got) == 2)
    await bridge.aclose()
    bridge_tasks = {t for t in asyncio.all_tasks() - before if t.get_name().startswith("bridge")}
    assert bridge_tasks == set()
    assert bridge.status()[0].state is State.STOPPED
    later = datetime.now(UTC) + timedelta(hours=1)
    (left,) = await db.read(outbox.due, "crm", later, 10)
    assert left.key == "call:slow"
    never.set()
