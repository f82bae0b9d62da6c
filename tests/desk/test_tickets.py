"""A call leaves one ticket, with everything that is known, whoever opens it and how often."""

import asyncio
from datetime import timedelta

import pytest

from desk import customers, journal, tickets, timeline
from desk.db.engine import Database
from desk.errors import NoSuchCall, NoSuchTicket, VersionConflict
from desk.journal import NewCall
from desk.region import locate
from desk.tickets import NewTicket
from tests.rig.samples import NOW, TIANJIN, begin, call_with_ticket, count

COMPLAINT = NewTicket("complaint", "天津 投诉", call_id="c1", labels=("地区:天津",))
LATER = NOW + timedelta(minutes=1)


async def test_a_ticket_takes_caller_and_region_from_its_call(db: Database) -> None:
    await db.write(begin)
    ticket = await db.write(tickets.open_ticket, COMPLAINT, NOW)
    assert ticket == await db.read(tickets.by_number, ticket.number)
    assert (ticket.caller, ticket.city, ticket.area_code) == (TIANJIN, "天津", "022")
    assert (ticket.status, ticket.labels, ticket.version) == ("accepted", ("地区:天津",), 1)
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert call.ticket_id == ticket.id
    [entry] = await db.read(timeline.entries_after, 1, 10)
    assert (entry.kind, entry.call_id, entry.ticket_id) == ("ticket.opened", "c1", ticket.id)
    assert entry.body is not None
    assert entry.body["number"] == ticket.number


async def test_a_second_request_for_the_same_call_gets_the_same_ticket(db: Database) -> None:
    await db.write(begin)
    first = await db.write(tickets.open_ticket, COMPLAINT, NOW)
    assert await db.write(tickets.open_ticket, COMPLAINT, LATER) == first
    more = NewTicket("repair", "报修", "不能开机", call_id="c1", labels=("地区:天津", "急"))
    joined = await db.write(tickets.open_ticket, more, LATER)
    assert (joined.id, joined.type, joined.version) == (first.id, "complaint", 2)
    assert (joined.labels, joined.description) == (("地区:天津", "急"), "不能开机")
    kinds = [entry.kind for entry in await db.read(timeline.entries_after, 1, 10)]
    assert kinds == ["ticket.opened", "ticket.joined"]


async def test_a_ticket_is_never_doubled_by_requests_at_the_same_moment(db: Database) -> None:
    await db.write(begin)
    opened = await asyncio.gather(
        *(db.write(tickets.open_ticket, COMPLAINT, NOW) for _ in range(10))
    )
    assert len({ticket.id for ticket in opened}) == 1
    assert await db.read(count, "tickets") == 1
    assert await db.read(count, "timeline") == 2


async def test_several_customers_with_one_number_are_all_kept_and_none_is_guessed(
    db: Database,
) -> None:
    file = "name,numbers\n张三,022-53456789\n李四,022-53456789\n"
    await db.write(customers.import_csv, file, NOW)
    both = tuple(c.id for c in await db.read(customers.find_by_number, TIANJIN.e164))
    await db.write(journal.begin, NewCall("c1", "400", TIANJIN.input, TIANJIN, both), NOW)
    await db.write(journal.begin, NewCall("c2", "400", TIANJIN.input, TIANJIN, both[:1]), NOW)
    doubtful = await db.write(tickets.open_ticket, COMPLAINT, NOW)
    clear = await db.write(tickets.open_ticket, NewTicket("call", "x", call_id="c2"), NOW)
    assert (doubtful.customer_id, doubtful.candidate_customer_ids) == (None, both)
    assert (clear.customer_id, clear.candidate_customer_ids) == (both[0], ())
    assert [t.id for t in await db.read(tickets.search, customer_id=both[0])] == [clear.id]


async def test_a_ticket_by_hand_needs_no_call(db: Database) -> None:
    ticket = await db.write(tickets.open_ticket, NewTicket("complaint", "来信"), NOW, actor="a:1")
    assert (ticket.call_id, ticket.caller.kind, ticket.area_code) == (None, "unknown", "")
    another = await db.write(tickets.open_ticket, NewTicket("complaint", "来信"), NOW)
    assert another.id != ticket.id


async def test_a_ticket_for_a_call_that_is_not_in_the_journal_is_refused(db: Database) -> None:
    with pytest.raises(NoSuchCall):
        await db.write(tickets.open_ticket, COMPLAINT, NOW)


async def test_a_description_is_changed_only_by_who_has_seen_the_last_one(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    changed = await db.write(tickets.describe, ticket.id, "冰箱不制冷", LATER, version=1)
    assert (changed.description, changed.version, changed.updated_at) == ("冰箱不制冷", 2, LATER)
    with pytest.raises(VersionConflict):
        await db.write(tickets.describe, ticket.id, "另一个", LATER, version=1)
    assert await db.write(tickets.describe, ticket.id, "冰箱不制冷", LATER) == changed
    assert await db.read(count, "timeline") == 3, "the same text again is no change"
    with pytest.raises(NoSuchTicket):
        await db.write(tickets.describe, 999, "x", NOW)


async def test_a_deleted_tickets_number_is_never_given_again(db: Database) -> None:
    from tests.rig.samples import sql

    ticket = await db.write(tickets.open_ticket, NewTicket("call", "x"), NOW)
    await sql(db, "DELETE FROM tickets")
    assert (await db.write(tickets.open_ticket, NewTicket("call", "x"), NOW)).id > ticket.id


async def test_tickets_are_found_by_every_condition_and_paged(db: Database) -> None:
    await db.write(call_with_ticket, "c1")
    await db.write(begin, "c2", locate("02154321234", "022"))
    second = await db.write(
        tickets.open_ticket, NewTicket("repair", "100%_坏", "冰箱", call_id="c2"), NOW
    )

    async def found(**conditions: object) -> list[int]:
        return [t.id for t in await db.read(tickets.search, **conditions)]  # type: ignore[arg-type]

    assert await found() == [2, 1]
    assert await found(limit=1) == [2]
    assert await found(limit=1, before=2) == [1]
    assert await found(region="022") == await found(region="天津") == [1]
    assert await found(type="repair") == await found(text="冰箱") == [2]
    assert await found(text="100%_") == [2]
    assert await found(text="1%坏") == [], "a percent sign is only itself"
    assert await found(text=second.number) == [2]
    assert await found(e164=TIANJIN.e164) == [1]
    assert await found(status="closed") == []
    assert await found(status="accepted", region="上海", text="坏") == [2]


async def test_huge_and_hostile_texts_are_cut_and_cleaned(db: Database) -> None:
    new = NewTicket("complaint", "x" * 10_000, "\0\udcff" * 20_000, labels=("l" * 500, "", "") * 40)
    ticket = await db.write(tickets.open_ticket, new, NOW)
    assert len(ticket.subject) == 300
    assert len(ticket.description) == 20_000
    assert ticket.labels == ("l" * 60, "")
    assert ticket == await db.read(tickets.get, ticket.id)
