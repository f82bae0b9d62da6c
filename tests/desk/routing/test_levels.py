"""Levels: a grave case is seen as grave whenever it shows, and people have the last word."""

from typing import Any

import pytest
from sqlalchemy import Connection

from desk import recordings, routing, teamwork, tickets, timeline, utterances
from desk.db.engine import Database
from desk.errors import RoleNotAllowed, VersionConflict
from desk.notices import Inbox, of_inbox
from desk.recordings import NewRecording
from desk.routing.confirming import confirm_way
from desk.tickets import Digest, Ticket, closing, merging, notes, steps
from desk.utterances import NewUtterance
from tests.desk.routing.cases import (
    AGENT,
    LATER,
    LEAD,
    begin,
    customer,
    follow,
    now_of,
    opened,
)
from tests.desk.routing.houses import declare
from tests.rig.samples import begin as call

BOSSES = Inbox.of("boss", ["boss"], "supervisor", "tianjin")


def solved(c: Connection, ticket: Ticket) -> None:
    for step, words in ((steps.start, ()), (closing.resolve, ("换了主板",))):
        version = now_of(c, ticket).version
        step(c, ticket.id, *words, LATER, by=AGENT, expected_version=version)


async def start(db: Database, **given: Any) -> Ticket:
    def work(c: Connection) -> Ticket:
        begin(c)
        return opened(c, **given)

    ticket = await db.write(work)
    await follow(db)
    return await db.read(now_of, ticket)


async def test_a_case_that_names_a_lawyer_is_of_level_1_with_all_that_follows(
    db: Database,
) -> None:
    ticket = await start(db, description="再不来我就找律师")
    assert (ticket.level, ticket.priority, ticket.status) == (1, 60, "escalated")
    assert (ticket.team, ticket.assignee) == ("tianjin", "lead.tj")
    watching = await db.read(teamwork.watching.of_ticket, ticket.id)
    assert [each.watcher for each in watching] == ["role:supervisor@tianjin"]
    told = await db.read(of_inbox, BOSSES)
    assert sum(each.kind == "level" for each in told) == 1


def _note(c: Connection, ticket: Ticket) -> None:
    notes.add(c, ticket.id, "客户说要去12315投诉", LATER, by=AGENT)


def _described(c: Connection, ticket: Ticket) -> None:
    tickets.describe(c, ticket.id, "要曝光我们", LATER)


def _digest(c: Connection, ticket: Ticket) -> None:
    tickets.add_digest(c, "c2", Digest("客户要起诉", (), (), "x"), LATER)


def _message(c: Connection, ticket: Ticket) -> None:
    recording = recordings.add(c, NewRecording("c2", "r1", "/x", 1.0, "ab"), LATER)
    told = {"text": "我找律师", "words": [], "engine": "vosk"}
    recordings.add_transcript(c, recording, told, LATER)


def _said(c: Connection, ticket: Ticket) -> None:
    said = NewUtterance("c2", "leg", 0, "caller", LATER, 0.0, 1.0, "我要找律师", (), 0.9, "x", True)
    utterances.add(c, said, LATER)


@pytest.mark.parametrize("comes", [_note, _described, _digest, _message, _said])
async def test_the_word_raises_the_level_however_late_and_by_whatever_way_it_comes(
    db: Database, comes: Any
) -> None:
    ticket = await start(db)
    assert ticket.level == 4

    def later(c: Connection) -> None:
        call(c, "c2", now=LATER)
        tickets.join(c, "c2", ticket.id, LATER)
        comes(c, ticket)

    await db.write(later)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.status) == (1, "escalated")


async def test_a_resolved_case_turns_grave_too_and_its_supervisors_hear_of_it(
    db: Database,
) -> None:
    ticket = await start(db)

    def later(c: Connection) -> None:
        solved(c, ticket)
        tickets.describe(c, ticket.id, "要曝光我们", LATER)

    await db.write(later)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.priority, found.status) == (1, 60, "resolved")
    assert found.assignee == "agent:8001", "who solved it keeps it"
    told = await db.read(of_inbox, BOSSES)
    assert sum(each.kind == "level" for each in told) == 1
    watching = await db.read(teamwork.watching.of_ticket, ticket.id)
    assert [each.watcher for each in watching] == ["role:supervisor@tianjin"]


async def test_what_an_agent_says_on_the_telephone_raises_nothing(db: Database) -> None:
    ticket = await start(db)

    def later(c: Connection) -> None:
        call(c, "c2", now=LATER)
        tickets.join(c, "c2", ticket.id, LATER)
        said = NewUtterance("c2", "leg", 0, "agent:8001", LATER, 0.0, 1.0, "请不要找律师", (), 0.9,
                            "x", True)  # fmt: skip
        utterances.add(c, said, LATER)

    await db.write(later)
    await follow(db)
    assert (await db.read(now_of, ticket)).level == 4


async def test_said_while_the_call_goes_on_it_is_grave_at_once(db: Database) -> None:
    def work(c: Connection) -> Ticket:
        begin(c)
        call(c)
        return opened(c, call_id="c1")

    ticket = await db.write(work)
    await follow(db)

    def said(c: Connection) -> None:
        new = NewUtterance("c1", "leg", 0, "caller", LATER, 0.0, 1.0, "找媒体", (), 0.9, "x", True)
        utterances.add(c, new, LATER)

    await db.write(said)
    await follow(db)
    found = await db.read(now_of, ticket)
    assert (found.level, found.assignee) == (1, "")
    told = await db.read(timeline.entries_after, 0, 100)
    bodies = [each.body for each in told if each.kind == "ticket.levelled" and each.body]
    assert [(body["level"], body["reason"]) for body in bodies] == [
        (4, "规则 anything"),
        (1, "规则 law, anything"),
    ]


async def test_where_a_lead_lowered_it_the_old_words_do_not_raise_it_again(
    db: Database,
) -> None:
    ticket = await start(db, description="找律师")

    def lowered(c: Connection) -> Ticket:
        seen = now_of(c, ticket)
        return routing.set_level(
            c, ticket.id, 3, LATER, reason="只是气话", by=LEAD, expected_version=seen.version
        )

    await db.write(lowered)
    await db.write(lambda c: notes.add(c, ticket.id, "已道歉", LATER, by=AGENT) and None)
    await follow(db)
    assert (await db.read(now_of, ticket)).level == 3
    await db.write(lambda c: notes.add(c, ticket.id, "真的起诉了", LATER, by=AGENT) and None)
    await follow(db)
    assert (await db.read(now_of, ticket)).level == 1


async def test_an_agent_raises_a_level_but_does_not_lower_it(db: Database) -> None:
    ticket = await start(db)

    def work(c: Connection) -> None:
        graver = routing.set_level(
            c, ticket.id, 2, LATER, reason="很急", by=AGENT, expected_version=ticket.version
        )
        assert (graver.level, graver.priority) == (2, 40)
        with pytest.raises(RoleNotAllowed):
            routing.set_level(
                c, ticket.id, 4, LATER, reason="不急", by=AGENT, expected_version=graver.version
            )
        with pytest.raises(VersionConflict):
            routing.set_level(c, ticket.id, 1, LATER, reason="x", by=LEAD, expected_version=1)

    await db.write(work)


@pytest.mark.parametrize(("level", "reason"), [(0, "x"), (5, "x"), (2, " ")])
async def test_no_other_level_and_none_without_a_reason(
    db: Database, level: int, reason: str
) -> None:
    ticket = await start(db)

    def work(c: Connection) -> None:
        with pytest.raises(ValueError, match="level"):
            routing.set_level(
                c, ticket.id, level, LATER, reason=reason, by=LEAD,
                expected_version=ticket.version,
            )  # fmt: skip

    await db.write(work)


async def test_machines_only_ever_raise_it(db: Database) -> None:
    ticket = await start(db, description="找律师")
    assert (
        await db.write(lambda c: routing.set_level(c, ticket.id, 4, LATER, reason=""))
    ).level == 1


async def test_the_priority_of_a_level_never_takes_away_what_a_case_has(db: Database) -> None:
    ticket = await start(db)

    def work(c: Connection) -> None:
        seen = routing.set_priority(
            c, ticket.id, 90, LATER, reason="老板的朋友", by=LEAD, expected_version=ticket.version
        )
        seen = routing.set_level(
            c, ticket.id, 1, LATER, reason="x", by=LEAD, expected_version=seen.version
        )
        assert seen.priority == 90

    await db.write(work)


async def test_supervisors_hear_of_a_grave_case_once_however_often_it_is_routed(
    db: Database,
) -> None:
    ticket = await start(db, description="找律师")
    for text in ("还是律师", "律师函来了"):
        await db.write(lambda c, t=text: notes.add(c, ticket.id, t, LATER, by=AGENT) and None)
        await follow(db)
    told = await db.read(of_inbox, BOSSES)
    assert sum(each.kind == "level" for each in told) == 1


async def test_a_rule_says_how_a_case_is_confirmed_but_level_1_is_always_the_handlers(
    db: Database,
) -> None:
    def work(c: Connection) -> None:
        begin(c)
        gold = opened(c, customer_ids=(customer(c),))
        assert confirm_way(c, routing.route(c, gold.id, LATER), "call") == "handler"
        plain = opened(c)
        assert confirm_way(c, routing.route(c, plain.id, LATER), "sms") == "sms"
        grave = opened(c, description="找律师")
        assert confirm_way(c, routing.route(c, grave.id, LATER), "call") == "handler"
        declare(c, switches={"automation.callbacks": False})
        assert confirm_way(c, now_of(c, plain), "call") == "handler"

    await db.write(work)


async def test_what_is_merged_into_a_case_makes_it_as_grave(db: Database) -> None:
    ticket = await start(db)

    def merged(c: Connection) -> None:
        grave = routing.route(c, opened(c, description="找律师").id, LATER)
        merging.merge(c, grave.id, ticket.id, LATER, by=LEAD, expected_version=grave.version)

    await db.write(merged)
    await follow(db)
    assert (await db.read(now_of, ticket)).level == 1
