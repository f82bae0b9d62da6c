"""Each call belongs to exactly one ticket, whoever decides at the same moment."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from desk import journal, recordings, tickets, timeline
from desk.db.engine import Database
from desk.errors import CallHasTicket, NoSuchCall, NoSuchTicket
from desk.recordings import NewRecording
from desk.tickets import Digest, NewTicket
from tests.rig.samples import NOW, begin, call_with_ticket, count

NEW = NewTicket("call", "来电", call_id="c2", labels=("再次来电",))


async def test_a_call_that_joined_opens_no_ticket_of_its_own(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(begin, "c2")
    assert await db.write(tickets.join, "c2", ticket.id, NOW) == ticket
    assert await db.write(tickets.join, "c2", ticket.id, NOW) == ticket
    opened = await db.write(tickets.open_ticket, NEW, NOW)
    assert (opened.id, opened.type, opened.labels) == (ticket.id, "complaint", ("再次来电",))
    assert await db.read(count, "tickets") == 1
    entries = await db.read(timeline.entries_after, 3, 10, ticket_id=ticket.id)
    assert [(entry.kind, entry.call_id) for entry in entries] == [
        ("ticket.joined", "c2"),
        ("ticket.joined", "c2"),  # the second call's new label
    ]


async def test_a_call_with_a_ticket_is_not_moved_to_another(db: Database) -> None:
    first = await db.write(call_with_ticket, "c1")
    second = await db.write(call_with_ticket, "c2")
    with pytest.raises(CallHasTicket) as refused:
        await db.write(tickets.join, "c2", first.id, NOW)
    assert (refused.value.call_id, refused.value.ticket_id) == ("c2", second.id)
    with pytest.raises(NoSuchCall):
        await db.write(tickets.join, "c3", first.id, NOW)
    with pytest.raises(NoSuchTicket):
        await db.write(tickets.join, "c2", 999, NOW)


async def test_what_was_told_before_joining_goes_along(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(tickets.describe, ticket.id, "按 1", NOW)
    await db.write(begin, "c2")
    message = NewRecording("c2", "m-c2", "/m.wav", 1.0, "ab" * 32)
    recording_id = await db.write(recordings.add, message, NOW)
    heard = {"text": "还没修好", "words": [], "engine": "e"}
    await db.write(recordings.add_transcript, recording_id, heard, NOW)
    await db.write(tickets.add_digest, "c2", Digest("冰箱还没修好"), NOW)
    joined = await db.write(tickets.join, "c2", ticket.id, NOW)
    assert (joined.description, joined.summary) == ("按 1\n还没修好", "冰箱还没修好")
    assert joined == await db.read(tickets.get, ticket.id)


async def test_joining_and_opening_at_the_same_moment_end_in_one_ticket(db: Database) -> None:
    first = await db.write(call_with_ticket)
    for n in range(5):
        call_id = f"other{n}"
        await db.write(begin, call_id)
        new = NewTicket("call", "来电", call_id=call_id)
        results = await asyncio.gather(
            db.write(tickets.open_ticket, new, NOW),
            db.write(tickets.join, call_id, first.id, NOW),
            db.write(tickets.open_ticket, new, NOW),
            return_exceptions=True,
        )
        call = await db.read(journal.get, call_id)
        assert call is not None
        told = {result.id for result in results if isinstance(result, tickets.Ticket)}
        assert told == {call.ticket_id}, "nobody was told of another ticket than the call's"
    assert await db.read(_tickets_per_call) == {1}


def _tickets_per_call(db: Connection) -> set[int]:
    """How many tickets calls have: their own, and the one they belong to."""
    rows = db.execute(
        text(
            "SELECT c.id, count(DISTINCT t.id) FROM calls c"
            " JOIN tickets t ON t.id = c.ticket_id OR t.call_id = c.id GROUP BY c.id"
        )
    ).all()
    return {tickets_of_call for _, tickets_of_call in rows}


BOTH = """
import asyncio, sys
from desk import tickets
from desk.db.engine import Database
from desk.errors import CallHasTicket
from desk.tickets import NewTicket
from tests.rig.samples import NOW

async def decide(db, call_id):
    if sys.argv[2] == "open":
        return (await db.write(tickets.open_ticket, NewTicket("x", "x", call_id=call_id), NOW)).id
    try:
        return (await db.write(tickets.join, call_id, 1, NOW)).id
    except CallHasTicket as error:
        return error.ticket_id

async def main():
    async with await Database.open(sys.argv[1]) as db:
        sys.stdin.readline()
        found = await asyncio.gather(*(decide(db, f"both{n}") for n in range(20)))
        print(*found)

asyncio.run(main())
"""


async def test_two_processes_that_decide_at_once_agree_on_every_call(
    db: Database, database_url: str
) -> None:
    await db.write(call_with_ticket)
    for n in range(20):
        await db.write(begin, f"both{n}")

    async def start(way: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", BOTH, database_url, way, cwd=Path(__file__).resolve().parents[2],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    running = [await start(way) for way in ("open", "join", "open")]
    async with asyncio.timeout(60):
        told = [output.split() for output, _ in [await p.communicate(b"\n") for p in running]]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 20
    for n, ticket_id in enumerate(told[0]):
        call = await db.read(journal.get, f"both{n}")
        assert call is not None
        assert call.ticket_id == int(ticket_id)
    assert await db.read(_tickets_per_call) == {1}
    assert (await db.read(timeline.verify)).intact
