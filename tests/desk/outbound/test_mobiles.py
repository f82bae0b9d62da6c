"""A mobile is asked for where only a land line is known, once, and the handler answers."""

import pytest

from desk import customers, timeline
from desk.customers.upsert import upsert
from desk.db.engine import Database
from desk.notices import Inbox, of_inbox
from desk.outbound import Mobile, mobiles
from desk.region import locate
from desk.tickets import Ticket, closing, get
from tests.desk.outbound.samples import (
    AGENT,
    LANDLINE,
    MOBILE,
    MORNING,
    case,
    look,
    request_of,
    solve,
)

HANDLER = Inbox.of("8001", ("agent:8001",), "agent", "tianjin")
E164 = f"+86{MOBILE}"


async def asked(db: Database, number: str = LANDLINE) -> Ticket:
    await look(db, MORNING)
    ticket = await db.write(case, number)
    await look(db, MORNING)
    return ticket


async def standing(db: Database, ticket: Ticket) -> Mobile:
    found = await db.read(get, ticket.id)
    assert found is not None
    return await db.read(mobiles.of_ticket, found)


async def kinds(db: Database, ticket: Ticket) -> list[str]:
    entries = await db.read(timeline.entries_after, 0, 500, ticket_id=ticket.id)
    return [entry.kind for entry in entries if "mobile" in entry.kind]


async def test_who_looks_after_the_case_is_asked_once_however_often_it_is_solved(
    db: Database,
) -> None:
    ticket = await asked(db)
    assert (await standing(db, ticket)).wanted
    again = await db.write(
        closing.reopen, ticket.id, "又坏了", MORNING, by=AGENT, expected_version=ticket.version
    )
    await db.write(solve, again.id, MORNING)
    await look(db, MORNING)
    notices = [n for n in await db.read(of_inbox, HANDLER) if n.kind == "mobile_wanted"]
    assert [notice.ticket_id for notice in notices] == [ticket.id]
    assert await kinds(db, ticket) == ["outbound.mobile_wanted"]


async def test_nobody_is_asked_where_a_mobile_is_known(db: Database) -> None:
    ticket = await asked(db, MOBILE)
    assert await standing(db, ticket) == Mobile(False, "", E164, "", "", None, None)


async def test_the_handlers_answer_is_on_file_and_an_sms_can_go_there(db: Database) -> None:
    ticket = await asked(db)
    said = await db.write(mobiles.answer, ticket.id, locate(MOBILE), MORNING, by=AGENT)
    assert (said.wanted, said.state, said.e164, said.actor) == (False, "given", E164, AGENT.actor)
    (customer,) = await db.read(customers.find_by_number, E164)
    assert customer.id == ticket.customer_id
    assert (await db.read(request_of, ticket.id)).number == LANDLINE, "what was begun goes on"
    later = await db.read(mobiles.of_ticket, ticket)
    assert later == said
    assert await kinds(db, ticket) == ["outbound.mobile_wanted", "outbound.mobile_given"]


async def test_a_customer_without_a_mobile_is_not_asked_for_one_again(db: Database) -> None:
    ticket = await asked(db)
    said = await db.write(mobiles.answer, ticket.id, None, MORNING, by=AGENT, reason="只有座机")
    assert (said.wanted, said.state, said.reason) == (False, "none", "只有座机")
    assert (await kinds(db, ticket))[-1] == "outbound.no_mobile"


async def test_a_mobile_that_comes_on_file_otherwise_answers_too(db: Database) -> None:
    ticket = await asked(db)
    numbers = (locate(LANDLINE).e164, E164)
    row = customers.CustomerRow(0, None, "王0", "", "", numbers, "", "")
    await db.write(upsert, [row], MORNING)
    found = await standing(db, ticket)
    assert (found.wanted, found.e164) == (False, E164)


async def test_a_mobile_of_a_case_without_a_customer_stays_with_the_case(db: Database) -> None:
    await look(db, MORNING)
    ticket = await db.write(case, LANDLINE, owners=2)
    await look(db, MORNING)
    assert ticket.customer_id is None
    said = await db.write(mobiles.answer, ticket.id, locate(MOBILE), MORNING, by=AGENT)
    assert said.e164 == E164
    assert await db.read(customers.find_by_number, E164) == []


@pytest.mark.parametrize("number", [LANDLINE, "4008123123", "abc", "0085223456789"])
async def test_what_is_no_mobile_is_refused(db: Database, number: str) -> None:
    ticket = await asked(db)
    with pytest.raises(ValueError, match="no Chinese mobile"):
        await db.write(mobiles.answer, ticket.id, locate(number), MORNING, by=AGENT)
    assert (await standing(db, ticket)).wanted
