"""Who asks to be called back is called back, by one process, and keeps the place in the queue."""

import asyncio
from datetime import timedelta

import pytest

from desk import callbacks, journal, timeline
from desk.callbacks import NewCallback
from desk.db.engine import Database
from desk.errors import NoSuchCall, NoSuchCallback
from desk.journal import NewCall
from tests.rig.samples import NOW, TIANJIN, begin, call_with_ticket, count

MINUTE = timedelta(minutes=1)


def asked(call_id: str = "c1", minutes: int = 0, priority: int = 0) -> NewCallback:
    since = NOW - minutes * MINUTE
    return NewCallback(call_id, "+862253456789", {"team": "tianjin"}, since, priority)


async def test_a_request_is_kept_once_per_call(db: Database) -> None:
    await db.write(begin)
    found = await asyncio.gather(*(db.write(callbacks.request, asked(), NOW) for _ in range(5)))
    assert len(set(found)) == 1
    [callback] = await db.read(callbacks.waiting)
    assert (callback.number, callback.need, callback.since) == (
        "+862253456789",
        {"team": "tianjin"},
        NOW,
    )
    assert await db.read(count, "timeline") == 2


async def test_who_waits_longest_is_dialled_first(db: Database) -> None:
    for n, minutes in enumerate((1, 9, 5)):
        await db.write(begin, f"c{n}")
        await db.write(callbacks.request, asked(f"c{n}", minutes), NOW)
    assert [c.call_id for c in await db.read(callbacks.waiting)] == ["c1", "c2", "c0"]


async def test_of_two_processes_that_dial_at_once_one_gets_the_caller(db: Database) -> None:
    await db.write(begin)
    callback_id = await db.write(callbacks.request, asked(), NOW)
    taken = await asyncio.gather(
        *(db.write(callbacks.dialling, callback_id, f"out{n}", NOW) for n in range(5))
    )
    assert sorted(taken) == [False] * 4 + [True]
    assert await db.read(callbacks.waiting) == []
    [callback] = await db.read(callbacks.unfinished)
    assert callback.channel_id == f"out{taken.index(True)}"
    assert await db.write(callbacks.dialling, callback_id, callback.channel_id, NOW), (
        "the one who has it may say so twice"
    )
    assert await db.read(count, "timeline") == 3


async def test_a_caller_who_did_not_answer_is_tried_again_later_at_the_same_place(
    db: Database,
) -> None:
    ticket = await db.write(call_with_ticket)
    callback_id = await db.write(callbacks.request, asked(minutes=3), NOW)
    await db.write(callbacks.dialling, callback_id, "out1", NOW)
    await db.write(callbacks.again, callback_id, "no_answer", NOW + 10 * MINUTE, NOW)
    await db.write(callbacks.again, callback_id, "no_answer", NOW + 20 * MINUTE, NOW)
    assert await db.read(callbacks.waiting, NOW + 9 * MINUTE) == []
    [callback] = await db.read(callbacks.waiting, NOW + 10 * MINUTE)
    assert (callback.since, callback.attempts, callback.outcome) == (
        NOW - 3 * MINUTE,
        1,
        "no_answer",
    )
    await db.write(callbacks.dialling, callback_id, "out2", NOW + 10 * MINUTE)
    await db.write(callbacks.done, callback_id, "answered", NOW + 11 * MINUTE)
    await db.write(callbacks.done, callback_id, "gave_up", NOW + 12 * MINUTE)
    assert await db.read(callbacks.unfinished) == []
    assert not await db.write(callbacks.dialling, callback_id, "out3", NOW)
    found = await db.read(callbacks.get, callback_id)
    assert found is not None
    assert (found.state, found.outcome, found.attempts) == ("done", "answered", 2)
    entries = await db.read(timeline.entries_after, 2, 10, ticket_id=ticket.id)
    assert [entry.kind for entry in entries] == [
        "callback.requested",
        "callback.dialling",
        "callback.postponed",
        "callback.dialling",
        "callback.done",
    ]


async def test_the_call_back_belongs_to_the_ticket_of_the_first_call(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    new = NewCall("out1", "+862253456789", "", TIANJIN, (), "outbound", ticket.id)
    await db.write(journal.begin, new, NOW)
    await db.write(journal.end, "out1", "completed", NOW)
    entries = await db.read(timeline.entries_after, 2, 10, ticket_id=ticket.id)
    assert [(entry.kind, entry.call_id) for entry in entries] == [
        ("call.placed", "out1"),
        ("call.ended", "out1"),
    ]


async def test_unknown_calls_and_requests_are_refused(db: Database) -> None:
    with pytest.raises(NoSuchCall):
        await db.write(callbacks.request, asked(), NOW)
    for work, arguments in (
        (callbacks.dialling, (7, "out1", NOW)),
        (callbacks.again, (7, "busy", NOW, NOW)),
        (callbacks.done, (7, "answered", NOW)),
    ):
        with pytest.raises(NoSuchCallback):
            await db.write(work, *arguments)  # type: ignore[arg-type]
    assert await db.read(callbacks.get, 7) is None


async def test_placed_calls_are_counted_whatever_became_of_them(db: Database) -> None:
    await db.write(begin)
    for n in range(3):
        out = NewCall(f"out{n}", "02253456789", "", TIANJIN, direction="outbound")
        await db.write(journal.begin, out, NOW + n * MINUTE)
    await db.write(journal.end, "out1", "busy", NOW + 2 * MINUTE)
    assert await db.read(callbacks.placed, NOW + MINUTE) == 2
    assert await db.read(callbacks.placed, NOW - MINUTE) == 3
