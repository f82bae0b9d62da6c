"""Who spoke with a caller is kept once per leg, and the caller finds that agent again."""

from datetime import timedelta

import pytest

from desk import customers, journal, talks, timeline
from desk.db.engine import Database
from desk.errors import NoSuchCall, NoSuchTalk
from desk.region import locate
from desk.talks import NewTalk, Talk
from tests.rig.samples import NOW, TIANJIN, begin, call_with_ticket, count

MINUTE = timedelta(minutes=1)
TALK = NewTalk("leg1", "c1", "8001", NOW)


async def test_a_talk_is_told_on_the_tickets_timeline_when_it_begins_and_ends(
    db: Database,
) -> None:
    ticket = await db.write(call_with_ticket)
    await db.write(talks.begin, TALK)
    assert await db.read(talks.of_call, "c1") == [Talk("leg1", "c1", "8001", NOW, None, None)]
    await db.write(talks.end, "leg1", "hangup", NOW + MINUTE)
    assert await db.read(talks.of_call, "c1") == [
        Talk("leg1", "c1", "8001", NOW, NOW + MINUTE, "hangup")
    ]
    [answered, left] = await db.read(timeline.entries_after, 2, 10, ticket_id=ticket.id)
    assert (answered.kind, answered.actor, answered.call_id) == (
        "agent.answered",
        "agent:8001",
        "c1",
    )
    assert answered.body == {"talk_id": "leg1", "agent": "8001"}
    assert left.kind == "agent.left"
    assert left.body == {"talk_id": "leg1", "agent": "8001", "cause": "hangup", "seconds": 60.0}


async def test_a_replayed_record_changes_nothing(db: Database) -> None:
    await db.write(begin)
    for _ in range(2):
        await db.write(talks.begin, TALK)
    await db.write(talks.end, "leg1", "hangup", NOW + MINUTE)
    await db.write(talks.begin, TALK)
    await db.write(talks.end, "leg1", "transfer", NOW + 2 * MINUTE)
    [talk] = await db.read(talks.of_call, "c1")
    assert (talk.cause, talk.ended_at) == ("hangup", NOW + MINUTE)
    assert await db.read(count, "timeline") == 3


async def test_talks_of_a_call_come_in_the_order_in_which_they_began(db: Database) -> None:
    await db.write(begin)
    await db.write(talks.begin, NewTalk("b", "c1", "8002", NOW + MINUTE))
    await db.write(talks.begin, TALK)
    assert [talk.id for talk in await db.read(talks.of_call, "c1")] == ["leg1", "b"]


async def test_nothing_is_recorded_without_its_call_or_its_beginning(db: Database) -> None:
    with pytest.raises(NoSuchCall):
        await db.write(talks.begin, TALK)
    with pytest.raises(NoSuchTalk):
        await db.write(talks.end, "leg1", "hangup", NOW)
    for talk in (NewTalk("", "c1", "8001", NOW), NewTalk("x", "c1", "8" * 41, NOW)):
        with pytest.raises(ValueError, match="talk"):
            await db.write(talks.begin, talk)
    assert await db.read(count, "timeline") == 0


async def test_a_caller_finds_the_agent_who_spoke_with_this_number_last(db: Database) -> None:
    await db.write(begin, "c1")
    await db.write(begin, "c2")
    await db.write(begin, "other", locate("02154321234", "022"))
    await db.write(talks.begin, TALK)
    await db.write(talks.begin, NewTalk("leg2", "c2", "8002", NOW + MINUTE))
    await db.write(talks.begin, NewTalk("leg3", "other", "8003", NOW + 2 * MINUTE))
    assert await db.read(talks.last_agent, (), TIANJIN.e164, NOW) == "8002"
    assert await db.read(talks.last_agent, (), TIANJIN.e164, NOW + 2 * MINUTE) is None
    assert await db.read(talks.last_agent, (), "+8613800000000", NOW) is None


async def test_a_customer_is_the_same_on_every_number_that_is_his(db: Database) -> None:
    file = "name,numbers\n张三,022-53456789;13800138000\n"
    await db.write(customers.import_csv, file, NOW)
    [customer] = await db.read(customers.find_by_number, TIANJIN.e164)
    await db.write(begin)
    await db.write(talks.begin, TALK)
    assert await db.read(talks.last_agent, (customer.id,), "+8613800138000", NOW) == "8001"
    assert await db.read(talks.last_agent, (), "+8613800138000", NOW) is None


async def test_withheld_numbers_are_never_taken_for_one_caller(db: Database) -> None:
    await db.write(begin, "c1", locate("", "022"))
    call = await db.read(journal.get, "c1")
    assert call is not None
    assert call.caller.e164 == ""
    await db.write(talks.begin, TALK)
    assert await db.read(talks.last_agent, (), "", NOW) is None
