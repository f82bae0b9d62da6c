"""A ticket says in short what its calls were about, however late that is known."""

from dataclasses import replace

from desk import tickets, timeline, utterances
from desk.db.engine import Database
from desk.tickets import Digest, NewTicket
from tests.desk.test_utterances import said
from tests.rig.samples import NOW, begin, call_with_ticket, count

DIGEST = Digest("冰箱不制冷", ("+8613800138000",), ("20261122001",), "first sentence")


async def test_the_digest_of_a_call_is_in_its_ticket(db: Database) -> None:
    opened = await db.write(call_with_ticket)
    ticket = await db.write(tickets.add_digest, "c1", DIGEST, NOW)
    assert ticket is not None
    assert ticket == await db.read(tickets.get, opened.id)
    assert (ticket.summary, ticket.description, ticket.version) == ("冰箱不制冷", "", 2)
    assert ticket.found == {"numbers": ["+8613800138000"], "order_ids": ["20261122001"]}
    [entry] = await db.read(timeline.entries_after, 2, 10, ticket_id=opened.id)
    assert (entry.kind, entry.call_id) == ("digest.added", "c1")
    assert entry.body == {
        "summary": "冰箱不制冷",
        "numbers": ["+8613800138000"],
        "order_ids": ["20261122001"],
        "engine": "first sentence",
    }


async def test_the_same_digest_again_changes_nothing_and_a_better_one_takes_its_place(
    db: Database,
) -> None:
    ticket = await db.write(call_with_ticket)
    first = await db.write(tickets.add_digest, "c1", DIGEST, NOW)
    assert await db.write(tickets.add_digest, "c1", DIGEST, NOW) == first
    assert await db.read(count, "timeline") == 3
    await db.write(tickets.add_digest, "c1", Digest("冰箱不制冷，订单一二三"), NOW)
    found = await db.read(tickets.get, ticket.id)
    assert found is not None
    assert found.summary == "冰箱不制冷，订单一二三"
    assert found.found == {"numbers": [], "order_ids": []}


async def test_a_ticket_that_is_opened_after_the_digest_has_it_from_the_start(
    db: Database,
) -> None:
    await db.write(begin)
    assert await db.write(tickets.add_digest, "c1", DIGEST, NOW) is None
    ticket = await db.write(tickets.open_ticket, NewTicket("call", "x", call_id="c1"), NOW)
    assert ticket == await db.read(tickets.get, ticket.id)
    assert ticket.summary == "冰箱不制冷"
    [entry] = await db.read(timeline.entries_after, 2, 10)
    assert entry.body is not None
    assert entry.body["summary"] == "冰箱不制冷"


async def test_a_ticket_of_several_calls_tells_of_each_once(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(tickets.add_digest, "c1", DIGEST, NOW)
    for call_id, digest in (
        ("c2", Digest("还没修好", ("+8613800138000", "+8613900139000"))),
        ("c3", Digest("冰箱不制冷")),
        ("c4", Digest("")),
    ):
        await db.write(begin, call_id)
        await db.write(tickets.join, call_id, ticket.id, NOW)
        await db.write(tickets.add_digest, call_id, digest, NOW)
    found = await db.read(tickets.get, ticket.id)
    assert found is not None
    assert found.summary == "冰箱不制冷\n还没修好"
    assert found.found == {
        "numbers": ["+8613800138000", "+8613900139000"],
        "order_ids": ["20261122001"],
    }


async def test_a_ticket_is_found_by_what_its_calls_were_about(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(tickets.add_digest, "c1", DIGEST, NOW)
    assert [t.id for t in await db.read(tickets.search, text="不制冷")] == [ticket.id]
    assert await db.read(tickets.search, text="洗衣机") == []


async def test_a_ticket_is_found_by_what_was_said_in_any_of_its_calls(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(call_with_ticket, "other")
    await db.write(begin, "again")
    await db.write(tickets.join, "again", ticket.id, NOW)
    for number, words in enumerate(("您好", "100%不制冷")):
        await db.write(utterances.add, replace(said(number, words), call_id="again"), NOW)

    async def found(**conditions: object) -> list[int]:
        return [t.id for t in await db.read(tickets.search, **conditions)]  # type: ignore[arg-type]

    assert await found(said="不制冷") == await found(said="0%不") == [ticket.id]
    assert await found(said="不制冷", status="closed") == []
    assert await found(said="不制冷", before=ticket.id) == []
    assert await found(said="洗衣机") == await found(said="1%制冷") == []


async def test_a_talk_does_not_flood_the_description(db: Database) -> None:
    ticket = await db.write(call_with_ticket)
    for number in range(3):
        await db.write(utterances.add, said(number, "一句话"), NOW)
    assert await db.read(tickets.get, ticket.id) == ticket


async def test_huge_and_hostile_digests_are_cut_and_cleaned(db: Database) -> None:
    await db.write(call_with_ticket)
    hostile = Digest("\0\udcff" * 5000, ["1" * 500, "1" * 500] * 99, ["\x1b"] * 999, "e" * 999)
    ticket = await db.write(tickets.add_digest, "c1", hostile, NOW)
    assert ticket is not None
    assert len(ticket.summary) == 500
    assert "\0" not in ticket.summary
    assert ticket.found == {"numbers": ["1" * 60], "order_ids": ["\N{REPLACEMENT CHARACTER}"]}
    assert (await db.read(timeline.verify)).intact
