"""Tickets and teams together: hand-overs, mergers, links and notes."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from desk.api import ticket_bodies as take
from desk.api.access import Reader, reader
from desk.api.room import MISSING, Desk, Limit, room
from desk.api.state import ApiState
from desk.api.ticket_models import HandoverOut, LinkOut, NoteOut, TicketOut
from desk.api.ticket_writing import (
    ADD_ERRORS,
    CHANGE_ERRORS,
    Expected,
    Named,
    Supervisor,
    TicketId,
    Writer,
    by,
    change,
    must_exist,
    shown,
    ticket_id,
)
from desk.tickets import NewTicket, handovers, links, merging, notes
from desk.tickets.links import Kind

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
) -> HandoversOut:
    """Hand-overs under way, the most urgent first. Scope `tickets:read`."""
    found = await desk.db.read(
        handovers.waiting, team=team, due_before=desk.now() if overdue else None, limit=limit
    )
    return HandoversOut(items=[HandoverOut.of(each, who.masked) for each in found])


@router.get("/tickets/{number}/handovers", responses=MISSING)
async def handovers_of_ticket(desk: Desk, who: Allowed, number: Named) -> HandoversOut:
    """Every hand-over of a ticket, oldest first. Scope `tickets:read`."""
    ticket = await must_exist(desk, number)
    found = await desk.db.read(handovers.of_ticket, ticket.id)
    return HandoversOut(items=[HandoverOut.of(each, who.masked) for each in found])


@router.post("/tickets/{number}/handovers", responses=CHANGE_ERRORS)
async def ask_handover(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.HandOver,
    response: Response,
) -> TicketOut:  # fmt: skip
    """交接: ask another team to take the ticket in time; until then this team keeps it. Scope
    `tickets:write`.
    """
    now = desk.now()
    return await change(
        desk, who, response, handovers.ask, ticket, body.team, body.reason, now, by=by(who),
        expected_version=seen, due_at=body.due(now),
    )  # fmt: skip


@router.post("/tickets/{number}/handover/take", responses=CHANGE_ERRORS)
async def take_handover(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Take, response: Response
) -> TicketOut:
    """Take it: the other team is in charge from now on. Scope `tickets:write`."""
    return await change(
        desk, who, response, handovers.take, ticket, desk.now(), by=by(who), expected_version=seen,
        assignee=body.assignee,
    )  # fmt: skip


@router.post("/tickets/{number}/handover/refuse", responses=CHANGE_ERRORS)
async def refuse_handover(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Refuse, response: Response
) -> TicketOut:
    """The other team does not take it, for a reason. Scope `tickets:write`."""
    return await change(
        desk, who, response, handovers.refuse, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/handover/withdraw", responses=CHANGE_ERRORS)
async def withdraw_handover(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, response: Response
) -> TicketOut:
    """The team that gives keeps it. Scope `tickets:write`."""
    return await change(
        desk, who, response, handovers.withdraw, ticket, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/merge", responses=CHANGE_ERRORS)
async def merge(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Merge, response: Response
) -> TicketOut:
    """合并: let the ticket go on as another one, whose fate it shares. Scope `tickets:write`."""
    survivor = await ticket_id(body.survivor)
    return await change(
        desk, who, response, merging.merge, ticket, survivor, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/unmerge", responses=CHANGE_ERRORS)
async def unmerge(
    desk: Desk, who: Supervisor, ticket: TicketId, seen: Expected, body: take.Unmerge,
    response: Response,
) -> TicketOut:  # fmt: skip
    """拆回: the ticket stands for itself again, as before the merger. Scope `tickets:override`."""
    return await change(
        desk, who, response, merging.unmerge, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/split", responses=CHANGE_ERRORS)
async def split(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Split, response: Response
) -> SplitOut:
    """拆分: a second matter of the same customer gets a ticket of its own. Scope
    `tickets:write`.
    """
    new = NewTicket(body.type, body.subject, body.description, labels=tuple(body.labels))
    first, made = await desk.db.write(
        merging.split, ticket, new, desk.now(), by=by(who), expected_version=seen,
        call_ids=body.call_ids,
    )  # fmt: skip
    return SplitOut(ticket=shown(first, who, response), new=TicketOut.of(made, who.masked))


@router.get("/tickets/{number}/links", responses=MISSING)
async def list_links(desk: Desk, who: Allowed, number: Named) -> LinksOut:
    """How a ticket is related to others. Scope `tickets:read`."""
    return await _links(desk, (await must_exist(desk, number)).id)


@router.post("/tickets/{number}/links", responses=ADD_ERRORS)
async def add_link(desk: Desk, who: Writer, ticket: TicketId, body: take.NewLink) -> LinksOut:
    """Relate a ticket to another; the version stays. Again: nothing. Scope `tickets:write`."""
    other = await ticket_id(body.other)
    await desk.db.write(links.add, ticket, other, body.kind, desk.now(), by=by(who))
    return LinksOut(
        items=[LinkOut.of(link) for link in await desk.db.read(links.of_ticket, ticket)]
    )


@router.delete("/tickets/{number}/links/{kind}/{other}", responses=ADD_ERRORS)
async def remove_link(
    desk: Desk, who: Writer, ticket: TicketId, kind: Kind, other: Named
) -> LinksOut:
    """Take a relation back; the version stays. Where there is none: nothing. Scope
    `tickets:write`.
    """
    await desk.db.write(links.remove, ticket, await ticket_id(other), kind, desk.now(), by=by(who))
    return LinksOut(
        items=[LinkOut.of(link) for link in await desk.db.read(links.of_ticket, ticket)]
    )


@router.get("/tickets/{number}/notes", responses=MISSING)
async def list_notes(
    desk: Desk,
    who: Allowed,
    number: Named,
    public: Annotated[bool | None, Query(description="only public, or only internal")] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="the id of the last one seen")] = 0,
    limit: Limit = 100,
) -> NotesOut:
    """Notes of a ticket, oldest first. Scope `tickets:read`."""
    ticket = await must_exist(desk, number)
    found = await desk.db.read(notes.of_ticket, ticket.id, public=public, after=after, limit=limit)
    return NotesOut(items=[NoteOut.of(note, who.masked) for note in found])


@router.post("/tickets/{number}/notes", responses=ADD_ERRORS, status_code=201)
async def add_note(desk: Desk, who: Writer, ticket: TicketId, body: take.NewNote) -> NoteOut:
    """Write a note; the version stays. Scope `tickets:write`."""
    note = await desk.db.write(
        notes.add, ticket, body.text, desk.now(), by=by(who), public=body.public
    )
    return NoteOut.of(note, who.masked)


async def _links(desk: ApiState, ticket: int) -> LinksOut:
    return LinksOut(
        items=[LinkOut.of(link) for link in await desk.db.read(links.of_ticket, ticket)]
    )
