"""The test bench: why a ticket goes where it goes, before anything goes anywhere."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from desk import routing, sla, timeline
from desk.db.engine import Database
from desk.house import Member, house_of
from desk.routing import BadSample, Explained, book_of, decide
from desk.routing.decide import told
from desk.sla import Book
from tests.desk.routing.cases import LATER, RULES, begin, now_of, opened
from tests.desk.routing.houses import HOUSE, MEMBERS, declare
from tests.desk.sla.books import book
from tests.desk.sla.cases import give
from tests.rig.samples import NOW


async def explained(db: Database, **given: Any) -> Explained:
    def work(c: Connection) -> Explained:
        begin(c)
        ticket = opened(c, **given)
        before = (now_of(c, ticket), timeline.last_seq(c))
        book = routing.in_force(c)
        assert book is not None
        found = routing.explain(c, book, ticket.id, LATER)
        assert (now_of(c, ticket), timeline.last_seq(c)) == before, "it changes nothing"
        return found

    return await db.write(work)


async def test_it_says_which_rules_held_and_on_which_word(db: Database) -> None:
    found = await explained(db, description="我找律师")
    assert found.decision.rules == ("law", "anything")
    assert (found.level, found.priority, found.edition) == (1, 60, 1)
    law = found.rules[0]
    assert law.why is not None
    assert law.why.clauses[0].mentioned == ("律师",)


async def test_it_says_at_which_clause_the_others_failed(db: Database) -> None:
    found = await explained(db)
    [chosen] = [rule for rule in found.rules if rule.name == "chosen"]
    assert chosen.why is not None
    failed = chosen.why.failed
    assert failed is not None
    assert failed.text == 'ticket.type == "call"'
    assert failed.values == {"ticket.type": "complaint"}


async def test_it_says_that_a_rule_was_not_asked(db: Database) -> None:
    found = await explained(db, kind="repair")
    assert {rule.name: rule.asked for rule in found.rules} == {
        "law": True, "gold": True, "chosen": True, "repair": True, "software": False,
        "anything": False,
    }  # fmt: skip


async def test_it_says_why_this_team_and_this_person(db: Database) -> None:
    found = await explained(db, kind="repair")
    assert (found.decision.team, found.decision.place) == ("tianjin", "region 022")
    assert found.chosen.assignee == "agent:8001"
    assert found.chosen.why.startswith("least load")
    assert ("agent:8002", "has not the skill repair") in found.chosen.passed


async def test_what_it_says_is_what_then_happens(db: Database) -> None:
    def work(c: Connection) -> None:
        begin(c)
        book = routing.in_force(c)
        assert book is not None
        for kind, words in (("repair", ""), ("complaint", "找媒体"), ("call", "")):
            ticket = opened(c, kind, description=words)
            found = routing.explain(c, book, ticket.id, LATER)
            done = routing.route(c, ticket.id, LATER)
            assert (done.team, done.assignee) == (found.decision.team, found.chosen.assignee)
            assert (done.level, done.priority) == (found.level, found.priority)

    await db.write(work)


async def test_a_sample_is_enough(db: Database) -> None:
    def work(c: Connection) -> None:
        begin(c)
        book = routing.in_force(c)
        assert book is not None
        sample = {
            "ticket": {"type": "complaint", "area_code": "022", "text": "要曝光你们"},
            "customer": {"level": "金牌"},
        }
        found = routing.explain_sample(c, book, sample, NOW)
        assert (found.level, found.decision.team) == (1, "tianjin")
        assert found.chosen.assignee == "lead.tj"
        sample = {"ticket": {"fields": {"product": "软件"}}}
        assert routing.explain_sample(c, book, sample, NOW).chosen.assignee == "agent:8003"

    await db.write(work)


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ({"tickt": {}}, "tickt is none of"),
        ({"ticket": {"typ": "x"}}, "ticket.typ is no fact"),
        ({"ticket": {"level": "1"}}, "ticket.level must be number"),
        ({"ticket": {"labels": "x"}}, "ticket.labels must be texts"),
        ({"ticket": {"fields": {"colour": 1}}}, "ticket.fields.colour is no fact"),
        ({"ticket": {"fields": 3}}, "has no fields under it"),
        ({"customer": 3}, "with facts under it"),
    ],
)
async def test_a_sample_that_names_no_fact_is_refused(
    db: Database, sample: dict[str, Any], says: str
) -> None:
    def work(c: Connection) -> None:
        begin(c)
        book = routing.in_force(c)
        assert book is not None
        with pytest.raises(BadSample, match=says):
            routing.explain_sample(c, book, sample, NOW)

    await db.write(work)


WORDS = st.sampled_from(["", "找律师", "12315", "空调坏了"])
SAMPLES = st.fixed_dictionaries(
    {
        "ticket": st.fixed_dictionaries(
            {
                "type": st.sampled_from(["complaint", "repair", "call", "consult"]),
                "area_code": st.sampled_from(["022", "010", ""]),
                "text": WORDS,
                "level": st.integers(0, 4),
                "fields": st.sampled_from([{}, {"product": "软件"}]),
            }
        ),
        "customer": st.sampled_from([{}, {"level": "金牌"}]),
        "call": st.sampled_from([{}, {"choice": "报修"}]),
    }
)


@settings(max_examples=200, deadline=None)
@given(SAMPLES)
def test_what_is_explained_is_what_is_decided_whatever_the_ticket(sample: dict[str, Any]) -> None:
    book = book_of(RULES, HOUSE)
    decision, rules = told(book, sample)
    assert decision == decide(book, sample)
    assert decision.rules == tuple(r.name for r in rules if r.why is not None and r.why.holds)
    assert decision.team in HOUSE.teams, "no ticket is without a team"
    asked = [rule.asked for rule in rules]
    assert asked == sorted(asked, reverse=True), "after one that decides none is asked"


IN_THE_WEST = """
default_team: west
levels: {1: {name: 重大}, 2: {name: 严重}, 3: {name: 一般}, 4: {name: 轻微}}
rules:
  - {name: saturday, when: now.weekday == 6 and now.date == "2026-11-21", then: {level: 2}}
"""


async def test_hours_and_days_in_a_rule_are_those_of_the_team(db: Database) -> None:
    """NOW is Sunday in Tianjin, and still Saturday in New York."""
    common = book().data
    west = common.calendars["default"].model_copy(update={"timezone": "America/New_York"})
    calendars = {**common.calendars, "west": west}

    def work(c: Connection) -> list[list[tuple[str, ...]]]:
        declare(c, members=(*MEMBERS, Member(name="bob", team="west")))
        rules = book_of(IN_THE_WEST, house_of(c))
        here, there = (opened(c), opened(c))
        give(c, there.id, NOW, "west")
        found = []
        for calendar in (common, common.model_copy(update={"calendars": calendars})):
            sla.apply(c, Book.of(calendar), NOW)
            both = [routing.explain(c, rules, each.id, NOW).decision.rules
                    for each in (here, there)]  # fmt: skip
            sample = {"ticket": {"team": "west"}}
            found.append([*both, routing.explain_sample(c, rules, sample, NOW).decision.rules])
        return found

    one_zone, two_zones = await db.write(work)
    assert one_zone == [(), (), ()]
    assert two_zones == [(), ("saturday",), ("saturday",)]
