"""Tickets and teams together: hand-overs, mergers, links and notes."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import Connection

from desk.access.within import seen_tickets, tickets_within
from desk.api import ticket_bodies as take
from desk.api.access import Reader, reader
from desk.api.paging import Page, moment_from_cursor
from desk.api.room import MISSING, Cursor, Desk, Limit, e164, room
from desk.api.ticket_models import HandoverOut, LinkOut, NoteOut, TicketOut
from desk.api.ticket_writing import (
    ADD_ERRORS,
    CHANGE_ERRORS,
    Adding,
    Changing,
    Named,
    Overriding,
    Readable,
    shown,
    ticket_id,
    within_reach,
)
from desk.teamwork import noting, people
from desk.tickets import By, NewTicket, Ticket, handovers, join, links, merging, notes
from desk.tickets.links import Kind, Link

router = room("tickets together")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]


class HandoversOut(BaseModel):
    """Hand-overs."""

    items: list[HandoverOut]


class LinksOut(BaseModel):
    """Relations, oldest first."""

    items: list[LinkOut]


class NotesOut(BaseModel):
    """Notes, oldest first."""

    items: list[NoteOut]


class SplitOut(BaseModel):
    """Both tickets after a split."""

    ticket: TicketOut
    new: TicketOut


@router.get("/handovers")
async def list_handovers(
    desk: Desk,
    who: Allowed,
    team: Annotated[str | None, Query(max_length=60, description="to this team")] = None,
    overdue: Annotated[bool, Query(description="only those whose time is over")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[HandoverOut]:
    """Hand-overs under way, the most urgent first. Scope `tickets:read`."""
    found = await desk.db.read(
        handovers.waiting,
        team=team,
        due_before=desk.now() if overdue else None,
        after=moment_from_cursor(cursor),
        within=tickets_within(who.principal, who.reach),
        limit=limit + 1,
    )
    clear = await desk.db.read(
        seen_tickets, who.principal, who.clear, {each.ticket_id for each in found}
    )
    return Page[HandoverOut].of(
        found,
        limit,
        lambda each: f"{each.due_at.isoformat()} {each.id}",
        lambda each: HandoverOut.of(each, each.ticket_id not in clear),
    )


@router.get("/tickets/{number}/handovers", responses=MISSING)
async def handovers_of_ticket(one: Readable) -> HandoversOut:
    """Every hand-over of a ticket, oldest first. Scope `tickets:read`."""
    found = await one.desk.db.read(handovers.of_ticket, one.ticket.id)
    return HandoversOut(items=[HandoverOut.of(each, one.masked) for each in found])


@router.post("/tickets/{number}/handovers", responses=CHANGE_ERRORS)
async def ask_handover(change: Changing, body: take.HandOver) -> TicketOut:
    """交接: ask another team to take the ticket in time; until then this team keeps it. Scope
    `tickets:write`.
    """
    return await change.run(handovers.ask, body.team, body.reason, due_at=body.due_at)


@router.post("/tickets/{number}/handover/take", responses=CHANGE_ERRORS)
async def take_handover(change: Changing, body: take.Take) -> TicketOut:
    """Take it: the other team is in charge from now on. Scope `tickets:write`."""
    return await change.run(handovers.take, assignee=body.assignee)


@router.post("/tickets/{number}/handover/refuse", responses=CHANGE_ERRORS)
async def refuse_handover(change: Changing, body: take.Refuse) -> TicketOut:
    """The other team does not take it, for a reason. Scope `tickets:write`."""
    return await change.run(handovers.refuse, body.reason)


@router.post("/tickets/{number}/handover/withdraw", responses=CHANGE_ERRORS)
async def withdraw_handover(change: Changing) -> TicketOut:
    """The team that gives keeps it. Scope `tickets:write`."""
    return await change.run(handovers.withdraw)


@router.post("/tickets/{number}/merge", responses=CHANGE_ERRORS)
async def merge(change: Changing, body: take.Merge) -> TicketOut:
    """合并: let the ticket go on as another one, whose fate it shares. Scope `tickets:write`."""
    survivor = await within_reach(change.desk, change.who, body.survivor)
    return await change.run(merging.merge, survivor.id)


@router.post("/tickets/{number}/unmerge", responses=CHANGE_ERRORS)
async def unmerge(change: Overriding, body: take.Unmerge) -> TicketOut:
    """拆回: the ticket stands for itself again, as before the merger. Scope `tickets:override`."""
    return await change.run(merging.unmerge, body.reason)


@router.post("/tickets/{number}/calls", responses=ADD_ERRORS)
async def add_call(change: Adding, body: take.JoiningCall) -> TicketOut:
    """Let a call that has no ticket yet belong to this one, or to the survivor of a merged one: a
    customer rang again, and the line did not know for what. The version stays, unless the call
    says something that goes into the ticket. Again: nothing. Scope `tickets:write`.
    """
    tell = partial(shown, who=change.who, response=change.response)
    return await change.write(tell, _joined, body.call_id)


@router.post("/tickets/{number}/split", responses=CHANGE_ERRORS)
async def split(change: Changing, body: take.Split) -> SplitOut:
    """拆分: a second matter of the same customer gets a ticket of its own. Scope
    `tickets:write`.
    """
    new = NewTicket(body.type, body.subject, body.description, labels=tuple(body.labels))

    def tell(both: tuple[Ticket, Ticket]) -> SplitOut:
        first, made = both
        return SplitOut(
            ticket=shown(first, change.who, change.response),
            new=TicketOut.of(made, change.who.masks(made)),
        )

    return await change.write(
        tell, merging.split, new, expected_version=change.seen, call_ids=body.call_ids,
        note_ids=body.note_ids,
    )  # fmt: skip


@router.get("/tickets/{number}/links", responses=MISSING)
async def list_links(one: Readable) -> LinksOut:
    """How a ticket is related to others. Scope `tickets:read`."""
    return _links(await one.desk.db.read(links.of_ticket, one.ticket.id))


@router.post("/tickets/{number}/links", responses=ADD_ERRORS)
async def add_link(change: Adding, body: take.NewLink) -> LinksOut:
    """Relate a ticket to another; the version stays. Again: nothing. Scope `tickets:write`."""
    other = await ticket_id(body.other)
    return await change.write(_links, _then_all, links.add, other, body.kind)


@router.delete("/tickets/{number}/links/{kind}/{other}", responses=ADD_ERRORS)
async def remove_link(change: Adding, kind: Kind, other: Named) -> LinksOut:
    """Take a relation back; the version stays. Where there is none: nothing. Scope
    `tickets:write`.
    """
    return await change.write(_links, _then_all, links.remove, await ticket_id(other), kind)


@router.get("/tickets/{number}/notes", responses=MISSING)
async def list_notes(
    one: Readable,
    public: Annotated[bool | None, Query(description="only public, or only internal")] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="the id of the last one seen")] = 0,
    limit: Limit = 100,
) -> NotesOut:
    """Notes of a ticket, oldest first. Scope `tickets:read`."""
    found = await one.desk.db.read(
        notes.of_ticket, one.ticket.id, public=public, after=after, limit=limit
    )
    return NotesOut(items=[NoteOut.of(note, one.masked) for note in found])


@router.post("/tickets/{number}/notes", responses=ADD_ERRORS, status_code=201)
async def add_note(change: Adding, body: take.NewNote) -> NoteOut:
    """Write a note; the version stays. Whom it mentions is told; a public one goes to the customer
    if `send` says how. Scope `tickets:write`.
    """
    new = noting.NewNote(
        body.text, body.public, body.send, (e164(body.to) or "") if body.to else ""
    )
    everybody = await change.desk.db.read(people.roster)
    tell = partial(NoteOut.of, masked=change.masked)
    return await change.write(tell, noting.write, new, roster=everybody)


def _then_all(
    db: Connection, ticket_id: int, change: Callable[..., object], other: int, kind: Kind,
    now: datetime, *, by: By,
) -> list[Link]:  # fmt: skip
    change(db, ticket_id, other, kind, now, by=by)
    return links.of_ticket(db, ticket_id)


def _joined(db: Connection, ticket: int, call_id: str, now: datetime, *, by: By) -> Ticket:
    return join(db, call_id, ticket, now, actor=by.actor)


def _links(found: list[Link]) -> LinksOut:
    return LinksOut(items=[LinkOut.of(link) for link in found])
