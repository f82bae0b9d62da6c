"""Teams pass tickets on without losing them; matters that are one become one, and part again."""

from datetime import timedelta

import pytest

from desk import journal, tickets, timeline
from desk.db.engine import Database
from desk.errors import (
    CallHasTicket,
    HandoverRefused,
    NoSuchHandover,
    NotLinkable,
    NotSplittable,
    RoleNotAllowed,
    TransitionRefused,
)
from desk.tickets import (
    Digest,
    NewTicket,
    closing,
    handovers,
    links,
    merging,
    notes,
    overdue,
    steps,
)
from desk.tickets.links import Kind
from desk.tickets.survivors import family, survivor_of
from tests.desk.lifecycle.cases import (
    AGENT,
    LATER,
    OTHER,
    SUPERVISOR,
    SYSTEM,
    TECHNICIAN,
    begun,
    closed,
    opened,
    resolved,
    talk,
)
from tests.rig.samples import NOW, begin, call_with_ticket

HALF = timedelta(minutes=30)


async def asked(db: Database) -> tickets.Ticket:
    ticket = await db.write(begun)
    placed = await db.write(
        steps.assign, ticket.id, NOW, by=AGENT, expected_version=2, team="北京", assignee="张敏"
    )
    return await db.write(
        handovers.ask, ticket.id, "天津", "要上门", NOW, by=AGENT, expected_version=placed.version
    )


async def test_a_ticket_stays_with_its_team_until_the_other_takes_it(db: Database) -> None:
    ticket = await asked(db)
    assert (ticket.team, ticket.assignee, ticket.version) == ("北京", "张敏", 4)
    [there] = await db.read(handovers.waiting, team="天津")
    assert (there.from_team, there.to_team, there.due_at) == ("北京", "天津", NOW + HALF)
    taken = await db.write(handovers.take, ticket.id, LATER, by=OTHER, expected_version=4)
    assert (taken.team, taken.assignee, taken.status) == ("天津", OTHER.actor, "assigned")
    assert await db.read(handovers.waiting) == []
    [ended] = await db.read(handovers.of_ticket, ticket.id)
    assert (ended.state, ended.ended_by, ended.ended_at) == ("taken", OTHER.actor, LATER)
    with pytest.raises(NoSuchHandover):
        await db.write(handovers.take, ticket.id, LATER, by=OTHER, expected_version=5)


async def test_a_hand_over_is_refused_with_a_reason_or_withdrawn(db: Database) -> None:
    ticket = await asked(db)
    with pytest.raises(HandoverRefused, match="reason"):
        await db.write(handovers.refuse, ticket.id, " ", NOW, by=OTHER, expected_version=4)
    refused = await db.write(
        handovers.refuse, ticket.id, "不归我们", NOW, by=OTHER, expected_version=4
    )
    assert (refused.team, refused.version) == ("北京", 5)
    await db.write(handovers.ask, ticket.id, "天津", "再看", NOW, by=AGENT, expected_version=5)
    await db.write(handovers.withdraw, ticket.id, NOW, by=AGENT, expected_version=6)
    states = [each.state for each in await db.read(handovers.of_ticket, ticket.id)]
    assert states == ["refused", "withdrawn"]


async def test_a_hand_over_that_nobody_takes_is_noticed_once(db: Database) -> None:
    ticket = await asked(db)
    assert await db.write(overdue.mark_overdue, NOW + HALF - timedelta(seconds=1)) == []
    [over] = await db.write(overdue.mark_overdue, NOW + HALF)
    assert over.ticket_id == ticket.id
    assert await db.write(overdue.mark_overdue, LATER) == []
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=ticket.id)
    [entry] = [entry for entry in entries if entry.kind == "handover.overdue"]
    assert entry.body is not None
    assert entry.body["triggers"] == ["notify_escalation"]
    late = await db.write(handovers.take, ticket.id, LATER, by=OTHER, expected_version=4)
    assert late.team == "天津"


async def test_no_hand_over_outlives_what_made_it_pointless(db: Database) -> None:
    ticket = await asked(db)
    with pytest.raises(HandoverRefused, match="on its way"):
        await db.write(handovers.ask, ticket.id, "上海", "x", NOW, by=AGENT, expected_version=4)
    started = await db.write(steps.start, ticket.id, NOW, by=AGENT, expected_version=4)
    assert await db.read(handovers.open_of_ticket, ticket.id) is not None
    await db.write(
        closing.resolve, ticket.id, "好了", NOW, by=AGENT, expected_version=started.version
    )
    assert await db.read(handovers.open_of_ticket, ticket.id) is None
    with pytest.raises(HandoverRefused, match="已解决待确认"):
        await db.write(handovers.ask, ticket.id, "上海", "x", NOW, by=AGENT, expected_version=6)


async def test_a_merged_ticket_follows_its_survivor_and_can_be_parted(db: Database) -> None:
    first = await db.write(begun, "c1")
    second = await db.write(begun, "c2")
    third = await db.write(opened, "c3")
    merged = await db.write(
        merging.merge, second.id, first.id, NOW, by=AGENT, expected_version=second.version
    )
    assert (merged.status, merged.survivor_id) == ("merged", first.id)
    assert await db.read(tickets.get, first.id) == first, "the survivor's version stays"
    await db.write(merging.merge, first.id, third.id, NOW, by=AGENT, expected_version=2)
    assert await db.read(survivor_of, second.id) == third.id
    assert await db.read(family, third.id) == [first.id, second.id, third.id]
    await db.write(begin, "c4")
    joined = await db.write(tickets.join, "c4", second.id, NOW)
    assert joined.id == third.id, "a further call goes to the survivor"
    with pytest.raises(CallHasTicket):
        await db.write(tickets.join, "c1", third.id, NOW)
    solved = await db.write(
        closing.solve_in_call, third.id, "好了", talk("c2"), NOW, by=AGENT, expected_version=1
    )
    assert solved.status == "closed", "a call of the merged ticket is one of the survivor's"
    with pytest.raises(RoleNotAllowed):
        await db.write(merging.unmerge, second.id, "不同", NOW, by=AGENT, expected_version=3)
    back = await db.write(
        merging.unmerge, second.id, "不同", NOW, by=SUPERVISOR, expected_version=3
    )
    assert (back.status, back.survivor_id, back.status_before) == ("in_progress", None, "")


async def test_nothing_is_merged_into_what_has_ended_or_itself(db: Database) -> None:
    done = await db.write(closed, "c1")
    ticket = await db.write(resolved, "c2")
    for other in (done.id, ticket.id):
        with pytest.raises(NotLinkable):
            await db.write(merging.merge, ticket.id, other, NOW, by=AGENT, expected_version=3)
    with pytest.raises(TransitionRefused):
        await db.write(merging.merge, done.id, ticket.id, NOW, by=AGENT, expected_version=4)


async def test_a_second_matter_gets_a_ticket_with_its_calls(db: Database) -> None:
    ticket = await db.write(opened)
    await db.write(begin, "c2")
    await db.write(tickets.join, "c2", ticket.id, NOW)
    seen = await db.write(tickets.add_digest, "c2", Digest("发票没收到"), NOW)
    assert seen is not None
    new = NewTicket("consult", "发票")
    first, made = await db.write(
        merging.split, ticket.id, new, NOW, by=AGENT, expected_version=seen.version,
        call_ids=["c2"],
    )  # fmt: skip
    assert (first.summary, made.summary, made.caller) == ("", "发票没收到", ticket.caller)
    call = await db.read(journal.get, "c2")
    assert call is not None
    assert call.ticket_id == made.id
    [link] = await db.read(links.of_ticket, ticket.id)
    assert (link.kind, link.other_id, link.inverse) == ("split_from", made.id, True)
    for call_id, why in (("c1", "stays"), ("c2", "does not belong")):
        with pytest.raises(NotSplittable, match=why):
            await db.write(
                merging.split, ticket.id, new, NOW, by=AGENT, expected_version=first.version,
                call_ids=[call_id],
            )  # fmt: skip
    with pytest.raises(RoleNotAllowed):
        await db.write(
            merging.split, ticket.id, new, NOW, by=TECHNICIAN, expected_version=first.version
        )


async def test_links_are_seen_from_both_sides_and_change_no_version(db: Database) -> None:
    one, two = await db.write(call_with_ticket, "c1"), await db.write(call_with_ticket, "c2")
    for _ in range(2):
        await db.write(links.add, one.id, two.id, Kind.CAUSED_BY, NOW, by=AGENT)
        await db.write(links.add, two.id, one.id, Kind.RELATED, NOW, by=AGENT)
    mine = await db.read(links.of_ticket, one.id)
    other = await db.read(links.of_ticket, two.id)
    assert {(link.kind, link.number, link.inverse) for link in mine} == {
        ("caused_by", two.number, False),
        ("related", two.number, False),
    }
    assert {(link.kind, link.inverse) for link in other} == {
        ("caused_by", True),
        ("related", False),
    }
    with pytest.raises(NotLinkable, match="already caused_by"):
        await db.write(links.add, two.id, one.id, Kind.CAUSED_BY, NOW, by=AGENT)
    with pytest.raises(NotLinkable, match="itself"):
        await db.write(links.add, two.id, two.id, Kind.RELATED, NOW, by=AGENT)
    await db.write(links.remove, one.id, two.id, Kind.CAUSED_BY, NOW, by=AGENT)
    await db.write(links.remove, one.id, two.id, Kind.CAUSED_BY, NOW, by=AGENT)
    kinds = [e.kind for e in await db.read(timeline.entries_after, 0, 99, ticket_id=two.id)]
    assert kinds == ["ticket.opened", "ticket.linked", "ticket.linked", "ticket.unlinked"]
    assert await db.read(tickets.get, one.id) == one


async def test_notes_say_who_for_whom_and_change_no_version(db: Database) -> None:
    ticket = await db.write(closed)
    await db.write(notes.add, ticket.id, " 客户急 ", NOW, by=AGENT)
    public = await db.write(notes.add, ticket.id, "配件已到", NOW, by=SYSTEM, public=True)
    found = await db.read(notes.of_ticket, ticket.id)
    assert [(note.text, note.public, note.actor) for note in found] == [
        ("客户急", False, "agent:8001"),
        ("配件已到", True, "system"),
    ]
    assert await db.read(notes.of_ticket, ticket.id, public=True) == [public]
    assert await db.read(tickets.get, ticket.id) == ticket
    with pytest.raises(ValueError, match="empty"):
        await db.write(notes.add, ticket.id, " \n", NOW, by=AGENT)
    await db.write(timeline.erase_bodies, [public.id], "个人信息保护法", NOW)
    assert [note.text for note in await db.read(notes.of_ticket, ticket.id)] == ["客户急", None]
    assert await db.read(notes.of_ticket, ticket.id, after=public.id) == []


async def test_the_history_is_told_after_the_words_were_erased(db: Database) -> None:
    ticket = await db.write(closed)
    entries = await db.read(timeline.entries_after, 0, 99, ticket_id=ticket.id)
    await db.write(timeline.erase_bodies, [entry.seq for entry in entries], "删除", NOW)
    told = await db.read(tickets.history.of_ticket, ticket.id)
    assert [step.status.value for step in told] == ["accepted", "in_progress", "resolved", "closed"]
    assert [step.at for step in told] == [NOW, NOW, LATER, LATER]
