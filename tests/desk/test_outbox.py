"""The CRM receives every entry once, in order per ticket, even after it was down for days."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from desk import journal, outbox, tickets, timeline
from desk.db.engine import Database
from desk.outbox import Counts, Delivery, standing
from desk.outbox import deliveries as _deliveries
from desk.tickets import NewTicket
from tests.rig.samples import NOW, begin, call_with_ticket

LATER = NOW + timedelta(minutes=5)
LEASE = timedelta(seconds=30)


async def due(
    db: Database, target: str = "crm", now: object = NOW, limit: int = 10
) -> list[Delivery]:
    return await db.read(outbox.due, target, now, limit)  # type: ignore[arg-type]


async def send(db: Database, count: int) -> None:
    """Deliver the first `count` entries that are due."""
    for delivery in await due(db, limit=count):
        await db.write(outbox.delivered, delivery.id, NOW)


async def start(db: Database, *targets: str) -> None:
    await db.write(outbox.fan_out, targets or ("crm",), NOW)


async def test_a_new_target_begins_with_what_happens_from_now_on(db: Database) -> None:
    await db.write(begin, "old")
    await start(db)
    await db.write(begin, "new")
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 1
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 0
    [delivery] = await due(db)
    assert (delivery.key, delivery.kind, delivery.seq) == ("call:new", "call.received", 2)


async def test_a_target_may_ask_for_everything_from_the_beginning(db: Database) -> None:
    await db.write(call_with_ticket)
    made = await db.write(lambda c: outbox.fan_out(c, ["crm"], NOW, from_start=True))
    assert made == 2


async def test_the_payload_is_the_entry_with_the_tickets_number(db: Database) -> None:
    await start(db)
    ticket = await db.write(call_with_ticket)
    await db.write(outbox.fan_out, ["crm"], NOW)
    await send(db, 1)
    [opened] = await due(db)
    assert opened.payload["ticket_number"] == ticket.number
    assert opened.payload["body"]["subject"] == "天津 投诉"
    assert opened.payload["at"] == "2026-11-22T01:02:03.456789+00:00"
    assert set(opened.payload) == {
        "seq", "kind", "at", "call_id", "ticket_id", "ticket_number", "customer_id", "actor", "body"
    }  # fmt: skip


async def test_a_ticket_is_delivered_in_order_and_one_entry_at_a_time(db: Database) -> None:
    await start(db)
    await db.write(call_with_ticket)
    await db.write(journal.note, "c1", "message.recorded", {}, NOW)
    await db.write(journal.end, "c1", "completed", NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    got = []
    while batch := await due(db):
        keys = [delivery.key for delivery in batch]
        assert len(keys) == len(set(keys)), "two of one key would overtake each other"
        got += [(d.key, d.kind) for d in batch]
        for delivery in batch:
            await db.write(outbox.delivered, delivery.id, NOW)
    assert [kind for key, kind in got if key == "ticket:1"] == [
        "ticket.opened",
        "message.recorded",
        "call.ended",
    ]
    assert len(got) == 4


async def test_a_failure_holds_back_its_own_ticket_and_no_other(db: Database) -> None:
    await start(db)
    await db.write(call_with_ticket, "c1")
    await db.write(call_with_ticket, "c2")
    await db.write(journal.end, "c1", "x", NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    await send(db, 2)
    first = next(d for d in await due(db) if d.key == "ticket:1")
    await db.write(outbox.failed, first.id, "HTTP 503", LATER, NOW)
    assert "ticket:1" not in [d.key for d in await due(db)]
    assert "ticket:2" in [d.key for d in await due(db)]
    again = next(d for d in await due(db, now=LATER) if d.key == "ticket:1")
    assert (again.id, again.attempts, again.last_error) == (first.id, 1, "HTTP 503")


async def test_a_dead_letter_lets_the_rest_pass_and_can_be_replayed_in_front(db: Database) -> None:
    await start(db)
    await db.write(call_with_ticket)
    await db.write(journal.note, "c1", "a", {}, NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    await send(db, 1)
    [opened] = await due(db)
    await db.write(outbox.bury, opened.id, "400 no such project", NOW)
    assert [d.kind for d in await due(db)] == ["a"]
    assert (await db.read(outbox.counts))["crm"] == Counts(1, 1)
    [letter] = await db.read(outbox.dead)
    assert (letter.id, letter.last_error) == (opened.id, "400 no such project")
    assert await db.write(lambda c: outbox.replay(c, "other", now=NOW)) == 0
    assert await db.write(lambda c: outbox.replay(c, "crm", now=NOW, ids=[opened.id])) == 1
    assert [d.kind for d in await due(db)] == ["ticket.opened"]


async def test_what_was_delivered_stays_delivered(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [delivery] = await due(db)
    await db.write(outbox.delivered, delivery.id, NOW)
    await db.write(outbox.failed, delivery.id, "late time-out", NOW, NOW)
    await db.write(outbox.bury, delivery.id, "late", NOW)
    assert await db.write(lambda c: outbox.replay(c, now=NOW)) == 0
    assert await due(db) == []
    assert (await db.read(outbox.counts))["crm"] == Counts(0, 0)


async def test_targets_do_not_wait_for_each_other(db: Database) -> None:
    await start(db, "crm", "sms")
    await db.write(begin)
    await db.write(outbox.fan_out, ["crm", "sms"], NOW)
    [delivery] = await due(db, "crm")
    await db.write(outbox.delivered, delivery.id, NOW)
    assert await due(db, "crm") == []
    assert len(await due(db, "sms")) == 1


async def test_the_sender_knows_when_to_look_again(db: Database) -> None:
    await start(db)
    assert await db.read(outbox.next_due_at, "crm") is None
    await db.write(begin)
    await db.write(outbox.fan_out, ["crm"], NOW)
    assert await db.read(outbox.next_due_at, "crm") == NOW
    [delivery] = await due(db)
    await db.write(outbox.failed, delivery.id, "x", LATER, NOW)
    assert await db.read(outbox.next_due_at, "crm") == LATER


async def test_what_concerns_no_call_and_no_ticket_stays_in_the_house(db: Database) -> None:
    await start(db)
    await db.write(
        lambda c: timeline.append(c, kind="customer.created", body={}, now=NOW, customer_id=1)
    )
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 0


async def test_what_waits_is_counted_before_it_is_fanned_out(db: Database) -> None:
    await start(db)
    await db.write(call_with_ticket)
    assert (await db.read(outbox.counts))["crm"] == Counts(2, 0)


async def test_entries_written_while_fanning_out_are_neither_lost_nor_doubled(db: Database) -> None:
    await start(db)

    async def write(name: str) -> None:
        for n in range(10):
            await db.write(begin, f"{name}{n}")

    async def fan_out() -> int:
        made = 0
        for _ in range(15):
            made += await db.write(outbox.fan_out, ["crm"], NOW)
        return made

    _, _, made = await asyncio.gather(write("a"), write("b"), fan_out())
    made += await db.write(outbox.fan_out, ["crm"], NOW)
    assert made == 20
    assert len({d.seq for d in await due(db, limit=100)}) == 20


async def test_a_long_backlog_does_not_slow_down_the_look_for_what_is_due(db: Database) -> None:
    await start(db)

    def backlog(connection: Connection) -> None:
        for n in range(300):
            begin(connection, f"c{n}")
            for _ in range(5):
                journal.note(connection, f"c{n}", "x", {}, NOW)

    await db.write(backlog)
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 1800
    batch = await due(db, limit=50)
    assert [d.key for d in batch] == [f"call:c{n}" for n in range(50)]


async def test_entries_behind_a_failed_one_wait_with_it_and_come_with_it(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(journal.note, "c1", "a", {}, NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [first] = await due(db)
    await db.write(outbox.failed, first.id, "x", LATER, NOW)
    await db.write(journal.note, "c1", "b", {}, NOW)  # comes while its call is held back
    await db.write(begin, "c2")
    await db.write(outbox.fan_out, ["crm"], NOW)
    assert [d.key for d in await due(db)] == ["call:c2"]
    await db.write(outbox.delivered, (await due(db))[0].id, NOW)
    assert await db.read(outbox.next_due_at, "crm") == LATER, "the sender may sleep until then"
    for kind in ("call.received", "a", "b"):
        [delivery] = await due(db, now=LATER)
        assert delivery.kind == kind
        await db.write(outbox.delivered, delivery.id, LATER)
    assert await db.read(outbox.next_due_at, "crm") is None


async def test_giving_up_on_an_entry_sets_those_behind_it_free_at_once(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(journal.note, "c1", "a", {}, NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [first] = await due(db)
    await db.write(outbox.failed, first.id, "x", LATER, NOW)
    await db.write(outbox.bury, first.id, "x", NOW)
    assert [d.kind for d in await due(db)] == ["a"]


async def test_what_a_call_did_before_its_ticket_arrives_before_the_ticket(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(journal.note, "c1", "menu.chosen", {}, NOW)
    await db.write(lambda c: tickets.open_ticket(c, NewTicket("complaint", "x", call_id="c1"), NOW))
    await db.write(journal.end, "c1", "completed", NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    for kind in ("call.received", "menu.chosen", "ticket.opened", "call.ended"):
        [delivery] = await due(db)
        assert delivery.kind == kind
        await db.write(outbox.delivered, delivery.id, NOW)
    assert await due(db) == []


async def test_a_ticket_waits_with_its_calls_failed_entry_and_the_sender_may_sleep(
    db: Database,
) -> None:
    await start(db)
    await db.write(call_with_ticket)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [received] = await due(db)
    await db.write(outbox.failed, received.id, "x", LATER, NOW)
    await db.write(journal.end, "c1", "completed", NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    assert await due(db) == []
    assert await db.read(outbox.next_due_at, "crm") == LATER
    await db.write(outbox.bury, received.id, "x", NOW)
    assert [d.kind for d in await due(db)] == ["ticket.opened"], "a dead letter lets it pass"


async def test_a_target_gets_the_kinds_it_wants_in_order_and_no_others(db: Database) -> None:
    kinds = {"crm": ("ticket.*", "call.ended")}
    await start(db, "crm", "all")
    await db.write(call_with_ticket)
    await db.write(journal.note, "c1", "ticketx.y", {}, NOW)
    await db.write(journal.end, "c1", "completed", NOW)
    assert (await db.read(outbox.counts, kinds))["crm"] == Counts(2, 0)
    assert await db.write(lambda c: outbox.fan_out(c, ["crm", "all"], NOW, kinds=kinds)) == 2 + 4
    got = []
    while batch := await due(db):
        [delivery] = batch
        got.append(delivery.kind)
        await db.write(outbox.delivered, delivery.id, NOW)
    assert got == ["ticket.opened", "call.ended"]
    assert (await db.read(outbox.counts, kinds))["all"] == Counts(4, 0)


async def test_what_was_not_wanted_does_not_come_later(db: Database) -> None:
    await start(db)
    await db.write(call_with_ticket)
    await db.write(lambda c: outbox.fan_out(c, ["crm"], NOW, kinds={"crm": ("call.*",)}))
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 0


async def claim(db: Database, who: str, now: datetime = NOW, limit: int = 10) -> list[Delivery]:
    return await db.write(outbox.claim, "crm", who, now, now + LEASE, limit)


async def test_what_one_process_sends_no_other_sends_meanwhile(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(journal.note, "c1", "a", {}, NOW)
    await db.write(begin, "c2")
    await db.write(outbox.fan_out, ["crm"], NOW)
    [first] = await claim(db, "one", limit=1)
    assert [d.key for d in await claim(db, "two")] == ["call:c2"]
    assert await claim(db, "two") == []
    await db.write(outbox.delivered, first.id, NOW)
    assert [d.kind for d in await claim(db, "two")] == ["a"], "in order, by whoever is free"


async def test_what_a_dead_process_had_claimed_comes_free_with_its_lease(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [dead] = await claim(db, "dead")
    assert await claim(db, "two", NOW + LEASE / 2) == []
    [again] = await claim(db, "two", NOW + LEASE)
    assert (again.id, again.seq) == (dead.id, dead.seq)


async def test_a_process_that_wakes_late_does_not_undo_what_another_did(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [delivery] = await claim(db, "frozen")
    await claim(db, "two", NOW + LEASE)
    await db.write(outbox.failed, delivery.id, "late", LATER, NOW, "frozen")
    await db.write(outbox.bury, delivery.id, "late", NOW, "frozen")
    assert await db.read(outbox.next_due_at, "crm") == NOW, "it is the other one's now"
    await db.write(outbox.failed, delivery.id, "HTTP 500", LATER, NOW, "two")
    assert await db.read(outbox.next_due_at, "crm") == LATER
    assert [d.attempts for d in await claim(db, "frozen", LATER)] == [1]


async def test_what_was_claimed_and_not_sent_can_be_given_back(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(begin, "c2")
    await db.write(outbox.fan_out, ["crm"], NOW)
    await claim(db, "one", limit=1)
    await claim(db, "two", limit=1)
    await db.write(outbox.release, "crm", "one")
    assert [d.key for d in await claim(db, "three")] == ["call:c1"]


async def test_a_replayed_letter_waits_for_what_its_ticket_is_being_sent(db: Database) -> None:
    await start(db)
    await db.write(begin)
    await db.write(journal.note, "c1", "a", {}, NOW)
    await db.write(outbox.fan_out, ["crm"], NOW)
    [letter] = await claim(db, "one")
    await db.write(outbox.bury, letter.id, "no", NOW, "one")
    [second] = await claim(db, "one")
    assert await db.write(lambda c: outbox.replay(c, now=NOW)) == 1
    assert await claim(db, "two") == []
    await db.write(outbox.delivered, second.id, NOW)
    assert [d.id for d in await claim(db, "two", NOW + LEASE)] == [letter.id]


async def test_claims_made_at_the_same_time_never_meet(db: Database) -> None:
    await start(db)

    def calls(connection: Connection) -> None:
        for n in range(60):
            begin(connection, f"c{n}")

    await db.write(calls)
    await db.write(outbox.fan_out, ["crm"], NOW)
    taken = await asyncio.gather(*(claim(db, f"w{n}", limit=10) for n in range(12)))
    ids = [delivery.id for some in taken for delivery in some]
    assert len(ids) == len(set(ids)) == 60


async def test_old_arrivals_are_forgotten_and_dead_letters_are_not(db: Database) -> None:
    await start(db)
    for name in ("arrived", "dead", "waits", "fresh"):
        await db.write(begin, name)
    await db.write(outbox.fan_out, ["crm"], NOW)
    arrived, dead, _, fresh = await due(db)
    await db.write(outbox.delivered, arrived.id, NOW)
    await db.write(outbox.bury, dead.id, "no", NOW)
    await db.write(outbox.delivered, fresh.id, LATER)
    ids = await db.read(outbox.old, LATER, 100)
    assert ids == [arrived.id]
    assert await db.write(outbox.prune, [*ids, dead.id]) == 1
    assert (await db.read(outbox.counts))["crm"] == Counts(1, 1)
    assert await db.write(outbox.fan_out, ["crm"], NOW) == 0, "what is forgotten is not sent again"


async def test_looking_for_what_is_due_uses_an_index(db: Database) -> None:
    """A target that is down for days must not slow down the writer, which calls wait for."""
    if db.dialect != "sqlite":
        return  # its planner reads small tables whole, whatever the index
    plans = await db.read(
        lambda c: [
            str(c.exec_driver_sql(f"EXPLAIN QUERY PLAN {_sql(statement)}", values).all())
            for statement, values in (
                (_deliveries._DUE, ("x", "x", 1, 0)),
                (_deliveries._NEXT, ("x",)),
                (standing._COUNTS, ()),
            )
        ]
    )
    assert "ix_deliveries_due (target=? AND next_at<?)" in plans[0]
    assert "ix_deliveries_pending (target=? AND key=? AND seq<?)" in plans[0]
    assert "ix_deliveries_due" in plans[1]
    assert "SCAN deliveries USING" in plans[2]
    assert not any("SCAN deliveries'" in plan for plan in plans)


def _sql(statement: Any) -> str:
    return str(statement.compile(dialect=sqlite.dialect()))
