"""Adding to a ticket's timeline leaves its version alone, whatever is added: nobody who works on
the ticket meanwhile is refused for it."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from desk import journal, messages, recordings, talks, tasks, tickets, timeline
from desk.db.engine import Database
from desk.messages import NewMessage
from desk.recordings import NewRecording
from desk.tasks import NewTask
from desk.teamwork import attachments, noting, watching
from desk.teamwork.attachments import NewAttachment
from desk.teamwork.people import Person, Roster
from desk.teamwork.settings import AttachmentSettings
from desk.tickets import NewTicket, handovers, links, merging, notes, overdue, progress_calls
from desk.tickets.links import Kind
from tests.desk.lifecycle.cases import AGENT, LATER, SUPERVISOR, opened
from tests.rig.samples import NOW, begin

ROSTER = Roster.of([Person("zhang", ("张敏",))])
FILE = NewAttachment("x.file", "x.txt", "text/plain", 1, "0" * 64, False)
MOBILE = "+8613812345678"


def attach(db: Connection) -> None:
    attachments.add(db, 1, FILE, NOW, by=AGENT, settings=AttachmentSettings())
    attachments.accessed(db, 1, 1, NOW, actor="agent:8001")
    attachments.delete(db, 1, 1, NOW, by=AGENT)


def watch(db: Connection) -> None:
    watching.watch(db, 1, "zhang", NOW, by=AGENT)
    watching.unwatch(db, 1, "zhang", NOW, by=AGENT)


def relate(db: Connection) -> None:
    links.add(db, 1, opened(db, "c2").id, Kind.RELATED, NOW, by=AGENT)
    links.remove(db, 2, 1, Kind.RELATED, NOW, by=AGENT)


def absorb(db: Connection) -> None:
    other = opened(db, "c2")
    merging.merge(db, other.id, 1, NOW, by=AGENT, expected_version=1)
    merging.unmerge(db, other.id, "不同", NOW, by=SUPERVISOR, expected_version=2)


def part(db: Connection) -> None:
    new = NewTicket("consult", "发票")
    merging.split(db, 1, new, NOW, by=AGENT, expected_version=1)


def do(db: Connection) -> None:
    made = tasks.add(db, NewTask("回电", "agent:8001", "k", due_at=NOW, ticket_id=1), NOW)
    assert made is not None
    tasks.done(db, made.id, NOW, actor="agent:8001")


def call_again(db: Connection) -> None:
    begin(db, "c2")
    tickets.join(db, "c2", 1, NOW)
    progress_calls.told(db, "c2", 1, "accepted", NOW)
    journal.end(db, "c2", "completed", LATER)


def record(db: Connection) -> None:
    new = NewRecording("c1", "r1", "/x", 1.0, "ab", kind="party", party="caller")
    recorded = recordings.add(db, new, NOW)
    told = {"text": "空调坏了", "words": [], "engine": "vosk"}
    recordings.add_transcript(db, recorded, told, NOW)
    recordings.accessed(db, recorded, "agent:8001", NOW)
    recordings.deleted(db, recorded, NOW, reason="retention")


ADDITIONS: dict[str, Callable[[Connection], object]] = {
    "note.added": lambda db: notes.add(db, 1, "急", NOW, by=AGENT, public=True),
    "notice.sent": lambda db: noting.write(
        db, 1, noting.NewNote("请@张敏看"), NOW, by=AGENT, roster=ROSTER
    ),
    "attachment.deleted": attach,
    "watcher.removed": watch,
    "ticket.unlinked": relate,
    "ticket.released": absorb,
    "ticket.split": part,
    "task.done": do,
    "ticket.joined": call_again,
    "recording.deleted": record,
    "agent.left": lambda db: talks.end(db, "leg-c1", "hangup", LATER),
    "message.queued": lambda db: messages.put(
        db, NewMessage("sms", MOBILE, "note", "好", 1, None, "k"), NOW
    ),
}
"""Each with the last kind of entry that it makes."""


@pytest.mark.parametrize("kind", list(ADDITIONS))
async def test_what_is_added_leaves_the_version_alone(db: Database, kind: str) -> None:
    ticket = await db.write(opened)
    await db.write(ADDITIONS[kind])
    entries = await db.read(timeline.entries_after, 0, 999, ticket_id=ticket.id)
    assert kind in [entry.kind for entry in entries], [entry.kind for entry in entries]
    assert await db.read(tickets.get, ticket.id) == ticket


async def test_a_hand_over_that_becomes_overdue_leaves_the_version_alone(db: Database) -> None:
    ticket = await db.write(opened)
    asked = await db.write(
        handovers.ask, ticket.id, "天津", "上门", NOW, by=AGENT, expected_version=1
    )
    assert await db.write(overdue.mark_overdue, LATER)
    assert await db.read(tickets.get, ticket.id) == asked
