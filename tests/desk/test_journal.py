"""A call is recorded once, from ring to end, with the stage that a crash re-enters."""

from dataclasses import replace
from datetime import timedelta

import pytest

from desk import journal, recordings, tickets, timeline
from desk.db.engine import Database
from desk.errors import NoSuchCall, NoSuchTicket
from desk.journal import NewCall
from desk.recordings import NewRecording
from desk.region import locate
from desk.tickets import NewTicket
from tests.rig.samples import NOW, TIANJIN, begin, call_with_ticket, count


async def test_a_call_reported_twice_is_recorded_once(db: Database) -> None:
    await db.write(begin)
    await db.write(begin, now=NOW + timedelta(seconds=5))
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert (call.received_at, call.caller, call.stage) == (NOW, TIANJIN, "welcome")
    assert await db.read(count, "timeline") == 1


async def test_recovery_finds_the_stage_and_what_it_needs(db: Database) -> None:
    await db.write(begin)
    await db.write(begin, "c2")
    await db.write(journal.enter_stage, "c1", "menu", {"menu": "main", "attempt": 2}, NOW)
    await db.write(journal.end, "c2", "hangup", NOW)
    [call] = await db.read(journal.unfinished)
    assert (call.id, call.stage, call.state) == ("c1", "menu", {"menu": "main", "attempt": 2})
    assert await db.read(count, "timeline") == 3, "entering a stage is no history"


async def test_the_end_is_recorded_once_and_the_first_cause_stays(db: Database) -> None:
    await db.write(begin)
    await db.write(journal.end, "c1", "completed", NOW + timedelta(seconds=12.5))
    await db.write(journal.end, "c1", "hangup", NOW + timedelta(seconds=60))
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert (call.cause, call.ended_at) == ("completed", NOW + timedelta(seconds=12.5))
    [_, end] = await db.read(timeline.entries_after, 0, 10, call_id="c1")
    assert (end.kind, end.body) == ("call.ended", {"cause": "completed", "seconds": 12.5})


async def test_a_note_is_also_the_tickets_once_there_is_one(db: Database) -> None:
    await db.write(begin)
    await db.write(journal.note, "c1", "menu.chosen", {"key": "1"}, NOW)
    ticket = await db.write(call_with_ticket)
    await db.write(journal.note, "c1", "message.recorded", {}, NOW)
    entries = await db.read(timeline.entries_after, 0, 10, call_id="c1")
    assert [(entry.kind, entry.ticket_id) for entry in entries] == [
        ("call.received", None),
        ("menu.chosen", None),
        ("ticket.opened", ticket.id),
        ("message.recorded", ticket.id),
    ]


@pytest.mark.parametrize("act", ["note", "enter_stage", "end"])
async def test_nothing_is_recorded_for_a_call_that_never_began(db: Database, act: str) -> None:
    arguments = {
        "note": (journal.note, "x", "kind", {}, NOW),
        "enter_stage": (journal.enter_stage, "x", "menu", {}, NOW),
        "end": (journal.end, "x", "hangup", NOW),
    }[act]
    with pytest.raises(NoSuchCall):
        await db.write(*arguments)  # type: ignore[arg-type]
    assert await db.read(count, "timeline") == 0


HOSTILE = [
    "\"'; DROP TABLE calls; --",
    "a\r\nSet-Cookie: x",
    "\0\x1b[31m${SHELL(id)}",
    "\udcff\ud800",
    "x" * 10_000,
    "<script>alert(1)</script>",
    "😀" * 300,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_callers_are_recorded_like_any_other(db: Database, hostile: str) -> None:
    caller = replace(locate(hostile, "022"), input=hostile)
    await db.write(journal.begin, NewCall("c1", hostile, hostile, caller), NOW)
    await db.write(journal.note, "c1", "menu.chosen", {"said": hostile, hostile: 1}, NOW)
    await db.write(journal.enter_stage, "c1", "menu", {"x": hostile}, NOW)
    await db.write(journal.end, "c1", hostile, NOW)
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert len(call.caller_id) <= 200
    assert not set(call.caller_id) & set("\0\r\x1b")
    assert (await db.read(timeline.verify)).intact


async def test_an_id_that_the_key_cannot_hold_is_refused(db: Database) -> None:
    for call_id in ("", "x" * 151):
        with pytest.raises(ValueError, match="call id"):
            await db.write(begin, call_id)


async def test_pages_of_calls_join_without_gap_or_repeat(db: Database) -> None:
    for n in range(7):  # several in the same microsecond
        await db.write(begin, f"c{n}", now=NOW + timedelta(seconds=n // 3))
    pages, before = [], None
    while page := await db.read(journal.search, limit=2, before=before):
        pages += [call.id for call in page]
        before = page[-1].id
    assert pages == ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]
    assert await db.read(journal.search, before="unknown") == []


async def test_calls_are_found_by_what_is_known_of_them(db: Database) -> None:
    await db.write(begin, "c1")
    await db.write(begin, "c2", locate("02154321234", "022"))
    await db.write(journal.end, "c1", "hangup", NOW)

    async def found(**conditions: object) -> list[str]:
        return [call.id for call in await db.read(journal.search, **conditions)]  # type: ignore[arg-type]

    assert await found(live=True) == ["c2"]
    assert await found(live=False) == ["c1"]
    assert await found(e164="+862253456789") == ["c1"]
    assert await found(area_code="021") == ["c2"]
    assert await found(area_code="021", live=False) == []


async def test_what_the_dialplan_did_alone_is_added_to_a_call_that_is_over(db: Database) -> None:
    await db.write(begin)
    await db.write(journal.end, "c1", "fallback", NOW + timedelta(seconds=90))
    ticket = await db.write(tickets.open_ticket, NewTicket("message", "留言", call_id="c1"), NOW)
    message = NewRecording("c1", "m-c1", "/var/m-c1.wav", 4.25, "ab" * 32)
    await db.write(recordings.add, message, NOW)
    await db.write(journal.note, "c1", "fallback.message", {}, NOW)
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert (call.cause, call.ended_at, call.ticket_id) == (
        "fallback",
        NOW + timedelta(seconds=90),
        ticket.id,
    )
    assert await db.read(journal.unfinished) == [], "nothing opens it again"
    kinds = [e.kind for e in await db.read(timeline.entries_after, 2, 10, ticket_id=ticket.id)]
    assert kinds == ["ticket.opened", "recording.added", "fallback.message"]


async def test_an_outbound_call_is_told_apart_and_belongs_to_its_ticket(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    new = NewCall("o1", TIANJIN.e164, "4001234567", TIANJIN, (), "outbound", ticket.id)
    await db.write(journal.begin, new, NOW)
    await db.write(journal.begin, new, NOW)
    call = await db.read(journal.get, "o1")
    assert call is not None
    assert (call.direction, call.ticket_id) == ("outbound", ticket.id)
    first = await db.read(journal.get, "c1")
    assert first is not None
    assert first.direction == "inbound"
    again = await db.write(tickets.open_ticket, NewTicket("call", "x", call_id="o1"), NOW)
    assert again.id == ticket.id, "it opens no ticket of its own"
    found = await db.read(journal.search, ticket_id=ticket.id)
    assert {call.id for call in found} == {"c1", "o1"}
    with pytest.raises(NoSuchTicket):
        await db.write(journal.begin, replace(new, id="o2", ticket_id=999), NOW)
