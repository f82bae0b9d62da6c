"""A close is asked about in one way, and a low answer opens a case so often and no more: whatever
happens in which order."""

from datetime import timedelta
from itertools import product

from sqlalchemy import Connection

from desk import journal, links, surveys, tickets
from desk.chores import catch_up
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import locate
from desk.surveys import Effect, survey_chores
from desk.tickets import SYSTEM, Status, closing, steps
from tests.desk.lifecycle.cases import AGENT, LATER, key
from tests.desk.surveys.policies import POLICY, closed_in_call, linked, policy, token_sent
from tests.rig.samples import NOW

NEVER = LATER + timedelta(days=9)
MANY = policy(most_per_month=31)
CHORES = survey_chores(POLICY)


async def follow(db: Database, now: bool = True) -> None:
    """Somebody looks at what has happened, if now is the moment."""
    if now:
        await catch_up(db, CHORES, lambda: LATER)


async def test_of_call_and_link_one_asks_whenever_anybody_looks(db: Database) -> None:
    await catch_up(db, CHORES, lambda: NOW)
    orders = list(product([True, False], repeat=4))
    for number, (by_key, *looks) in enumerate(orders):
        call_id = f"c{number}"
        ticket = await db.write(closed_in_call, call_id, f"1382022{number:04d}")
        await follow(db, looks[0])
        if by_key:
            assert await db.write(surveys.ask_by_key, call_id, POLICY, LATER) is not None
        await follow(db, looks[1])
        await db.write(journal.end, call_id, "hangup", LATER)
        await follow(db, looks[2])
        await follow(db)
        found = await db.read(surveys.of_ticket, ticket.id)
        assert [one.channel for one in found] == ["key" if by_key else "link"], orders[number]


async def test_who_rates_low_by_key_link_and_page_in_turn_opens_the_case_once(db: Database) -> None:
    ticket, token = await db.write(linked)
    effects = []
    await db.write(surveys.answer_by_link, token, 1, "", POLICY.settings, LATER)
    for number, way in enumerate(["key", "link", "page"] * 2):
        if (await db.read(tickets.get, ticket.id)).status == Status.CLOSED:  # type: ignore[union-attr]
            await db.write(opened_again, ticket.id)
        await db.write(rated_low, ticket.id, f"again{number}", way)
        effects.append((await db.read(surveys.of_ticket, ticket.id))[-1].effect)
    first, *others = await db.read(surveys.of_ticket, ticket.id)
    assert first.effect is Effect.REOPENED
    assert [one.effect for one in others] == effects
    assert effects == [Effect.ALARMED] * 6
    assert [one.cycle for one in others] == [2, 3, 4, 5, 6, 7], "once in each cycle"


def opened_again(c: Connection, ticket_id: int) -> None:
    """The customer's case comes back by itself, not by an answer."""
    closing.reopen(c, ticket_id, "又坏了", LATER, by=SYSTEM, expected_version=None)


def rated_low(c: Connection, ticket_id: int, call_id: str, way: str) -> None:
    """The case is solved, closed by the customer, and rated with the worst there is."""
    seen = tickets.get(c, ticket_id)
    assert seen is not None
    seen = steps.start(c, ticket_id, LATER, by=AGENT, expected_version=seen.version)
    closing.resolve(c, ticket_id, "再修", LATER, by=AGENT, expected_version=seen.version)
    if way == "page":
        question = links.make(c, "confirm", ticket_id, NEVER, LATER)
        assert links.confirm(c, question, True, "", LATER) is not None
        token = surveys.ask_on_page(c, ticket_id, MANY, LATER)
        assert token is not None
        surveys.answer_by_link(c, token, 1, "", POLICY.settings, LATER)
        return
    journal.begin(c, NewCall(call_id, "400", "13820221234", locate("13820221234"), ()), LATER)
    tickets.join(c, call_id, ticket_id, LATER)
    closing.confirm(c, ticket_id, key(call_id), LATER, by=SYSTEM, expected_version=None)
    if way == "key":
        assert surveys.ask_by_key(c, call_id, MANY, LATER) is not None
        surveys.answer_by_key(c, call_id, 1, POLICY.settings, LATER)
    journal.end(c, call_id, "completed", LATER)
    if way == "link":
        assert surveys.ask_by_link(c, ticket_id, MANY, LATER) is not None
        surveys.answer_by_link(c, token_sent(c, ticket_id), 1, "", POLICY.settings, LATER)
