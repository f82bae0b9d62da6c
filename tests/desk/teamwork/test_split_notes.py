"""A second matter takes along the notes that were about it, and the first keeps them too."""

from datetime import timedelta

import pytest

from desk import timeline
from desk.db.engine import Database
from desk.errors import NotSplittable
from desk.sla import history_of
from desk.tickets import NewTicket, merging, notes
from tests.desk.lifecycle.cases import AGENT, LEAD, opened
from tests.rig.samples import NOW, count

LATER = NOW + timedelta(hours=1)
SECOND = NewTicket("repair", "冰箱也坏了")


async def test_the_new_ticket_gets_copies_of_the_chosen_notes(db: Database) -> None:
    first = await db.write(opened)
    fridge = await db.write(notes.add, first.id, "冰箱不制冷", NOW, by=AGENT, public=True)
    await db.write(notes.add, first.id, "空调漏水", NOW, by=AGENT)
    gone = await db.write(notes.add, first.id, "删掉", NOW, by=AGENT)
    await db.write(timeline.erase_bodies, [gone.id], "asked", NOW)
    _, made = await db.write(
        merging.split, first.id, SECOND, LATER, by=LEAD, expected_version=1,
        note_ids=[fridge.id, gone.id],
    )  # fmt: skip
    [copy] = await db.read(notes.of_ticket, made.id)
    assert (copy.text, copy.author, copy.actor) == ("冰箱不制冷", AGENT.actor, LEAD.actor)
    assert not copy.public, "the customer was told once"
    history = await db.read(history_of, made.id)
    assert history is not None
    assert history.contacts == (), "and that was no response to the second matter"
    assert len(await db.read(notes.of_ticket, first.id)) == 3
    for ticket, kind in ((first.id, "ticket.split"), (made.id, "note.copied")):
        entries = await db.read(timeline.entries_after, 0, 99, ticket_id=ticket)
        [entry] = [entry for entry in entries if entry.kind == kind]
        assert entry.body is not None
        assert entry.body.get("notes", [fridge.id]) == [fridge.id]
        assert entry.body.get("note_id", fridge.id) == fridge.id


async def test_no_other_tickets_note_is_carried_off(db: Database) -> None:
    first, other = await db.write(opened, "c1"), await db.write(opened, "c2")
    foreign = await db.write(notes.add, other.id, "别人的", NOW, by=AGENT)
    for wrong in (foreign.id, 1, 10**12):
        with pytest.raises(NotSplittable, match=str(wrong)):
            await db.write(
                merging.split, first.id, SECOND, NOW, by=AGENT, expected_version=1,
                note_ids=[wrong],
            )  # fmt: skip
    assert await db.read(count, "tickets") == 2
