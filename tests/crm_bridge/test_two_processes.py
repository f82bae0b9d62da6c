"""Two processes deliver from one database, as in a rolling restart: nothing twice, nothing lost,
nothing out of order, whichever of them is killed."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from desk import journal, outbox, timeline
from desk.db.engine import Database
from tests.crm_bridge.conftest import Write, settled
from tests.crm_bridge.receiver import Got, Receiver
from tests.crm_bridge.relay import LEASE_SECONDS, relaying
from tests.rig.samples import call_with_ticket

pytestmark = pytest.mark.chaos
CALLS, EACH = 12, 8


async def _entries(db: Database, write: Write) -> None:
    for _ in range(EACH // 2):
        for number in range(CALLS):
            await write(f"call-{number}", 2)


def _first_of_each(got: list[Got]) -> dict[str, list[int]]:
    """By key, the entries in the order in which they first arrived."""
    order: defaultdict[str, list[int]] = defaultdict(list)
    for one in got:
        if one.seq not in order[one.key]:
            order[one.key].append(one.seq)
    return order


async def test_two_processes_push_each_entry_once(
    db: Database, database_url: str, write: Write, receiver: Receiver
) -> None:
    """Both run before the first entry is written, and each has room for 16 of the 12 calls."""
    await db.write(outbox.fan_out, ["crm"], datetime.now(UTC))
    async with relaying(database_url, receiver.url), relaying(database_url, receiver.url):
        await _entries(db, write)
        await receiver.until(lambda: len(receiver.taken) >= CALLS * EACH, 60)
        assert (await settled(db, seconds=30)).dead == 0
    seqs = [one.seq for one in receiver.got]
    assert len(seqs) == len(set(seqs)) == CALLS * EACH
    assert all(order == sorted(order) for order in _first_of_each(receiver.got).values())


async def test_a_process_killed_in_the_middle_of_its_pushes_leaves_them_to_the_other(
    db: Database, database_url: str, write: Write, receiver: Receiver
) -> None:
    gate = asyncio.Event()
    await db.write(outbox.fan_out, ["crm"], datetime.now(UTC))
    receiver.answer = lambda _: gate
    async with relaying(database_url, receiver.url) as first:
        await _entries(db, write)
        await receiver.until(lambda: len(receiver.got) >= 6, 60)
        async with relaying(database_url, receiver.url):
            first.kill()
            await first.wait()
            gate.set()
            receiver.answer = lambda _: 200
            await receiver.until(
                lambda: len({one.seq for one in receiver.taken}) == CALLS * EACH,
                LEASE_SECONDS + 60,
            )
            assert (await settled(db, seconds=30)).dead == 0
    ids: defaultdict[int, set[str]] = defaultdict(set)
    for one in receiver.got:
        ids[one.seq].add(one.id)
    assert all(len(same) == 1 for same in ids.values()), "the repetition must be recognisable"
    assert all(order == sorted(order) for order in _first_of_each(receiver.got).values())


async def test_a_call_and_its_ticket_arrive_in_the_order_in_which_they_happened(
    db: Database, database_url: str, receiver: Receiver
) -> None:
    """The receiver fails each entry once: what waits for another try must hold back the rest."""
    tries: defaultdict[int, int] = defaultdict(int)

    def answer(one: Got) -> int:
        tries[one.seq] += 1
        return 503 if tries[one.seq] == 1 else 200

    def calls(connection: Any) -> None:
        now = datetime.now(UTC)
        for number in range(4):
            ticket = call_with_ticket(connection, f"c{number}", now)
            timeline.append(connection, kind="x", body={}, now=now, ticket_id=ticket.id)
            journal.end(connection, f"c{number}", "completed", now)

    receiver.answer = answer
    await db.write(outbox.fan_out, ["crm"], datetime.now(UTC))
    async with relaying(database_url, receiver.url), relaying(database_url, receiver.url):
        await db.write(calls)
        await receiver.until(lambda: len(receiver.taken) == 16, 60)
    for number in range(4):
        kinds = [
            one.message["type"]
            for one in receiver.taken
            if one.message["data"]["ticket_id"] == number + 1
            or one.message["data"]["call_id"] == f"c{number}"
        ]
        assert kinds == ["call.received", "ticket.opened", "x", "call.ended"]
