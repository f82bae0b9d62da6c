"""Level, priority, fields and routing of tickets, and taking the next one."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends
from sqlalchemy import Connection

from desk import routing, tickets
from desk.access import Reach
from desk.api import routing_models as models
from desk.api.access import Reader, reader
from desk.api.room import MISSING, Desk, described, room
from desk.api.routing import book_for
from desk.api.routing_told import ExplainedOut, RouteOut, TicketRoutingOut
from desk.api.ticket_models import TicketOut
from desk.api.ticket_writing import (
    CHANGE_ERRORS,
    Changing,
    OneTicket,
    Readable,
    by,
    readable,
    shown,
)
from desk.api.writing import Write
from desk.routing import Explained, Taker
from desk.tickets import By, Ticket
from desk.tickets.change import held

router = room("routing of tickets")

Writer = Annotated[Reader, Depends(reader("tickets:write"))]


@router.put("/tickets/{number}/level", responses=CHANGE_ERRORS)
async def set_level(change: Changing, body: models.NewLevel) -> TicketOut:
    """级别: how grave it is. A graver one brings its priority, notices and watchers, and escalates
    if it is meant to; less grave only a lead or above makes it. Scope `tickets:write`.
    """
    return await change.run(routing.set_level, body.level, reason=body.reason)


@router.put("/tickets/{number}/priority", responses=CHANGE_ERRORS)
async def set_priority(change: Changing, body: models.NewPriority) -> TicketOut:
    """优先级: the higher, the sooner it is taken. Scope `tickets:write`."""
    return await change.run(routing.set_priority, body.priority, reason=body.reason)


@router.patch("/tickets/{number}/fields", responses=CHANGE_ERRORS)
async def set_fields(change: Changing, body: models.NewFields) -> TicketOut:
    """字段: fill fields that the ticket's type declares (`GET /ticket-types`). Scope
    `tickets:write`.
    """
    return await change.run(tickets.fields.set_fields, body.fields)


@router.get("/tickets/{number}/routing", responses=MISSING)
async def routing_of_ticket(one: Readable) -> TicketRoutingOut:
    """How a ticket was routed the last time; how it would be now, as if nobody had decided
    anything, and why. Scope `tickets:read`.
    """
    last, now = await one.desk.db.read(_routing, one.ticket.id, one.desk.now())
    return TicketRoutingOut(
        last=RouteOut.of(last) if last is not None else None,
        now=ExplainedOut.of(now, one.masked) if now is not None else None,
    )


@router.post("/tickets/{number}/routing/test", responses=MISSING)
async def try_on_ticket(
    one: Annotated[OneTicket, Depends(readable("tickets:read"))], body: models.Proposed
) -> ExplainedOut:
    """What a rule set would do with a ticket, and why. Changes nothing. Scope `tickets:read`."""
    now = one.desk.now()
    found = await one.desk.db.read(_explained, body.content, one.ticket.id, now)
    return ExplainedOut.of(found, one.masked)


@router.post("/tickets/{number}/route", responses=CHANGE_ERRORS)
async def route_again(change: Changing) -> TicketOut:
    """重新路由: let the rules decide again, also where somebody had put the ticket in charge of
    another. Scope `tickets:write`.
    """
    return await change.run(_again)


@router.post(
    "/tickets/take-next",
    responses=described({404: "nothing waits that you may take"}),
)
async def take_next(desk: Desk, who: Writer, write: Write) -> TicketOut:
    """取下一单: the most urgent ticket that nobody is in charge of and that you may take is yours
    from now on. Of two who ask at once each gets another. Scope `tickets:write`.
    """
    principal = who.principal
    taker = Taker(
        names=(principal.actor, *(name for name in principal.names if name != principal.actor)),
        role=principal.role.value,
        team=principal.team,
        everywhere=who.reach is Reach.OTHER,
    )
    return await write(
        partial(shown, who=who, response=write.response),
        routing.take_next, taker, desk.now(), by=by(who),
    )  # fmt: skip


def _routing(
    db: Connection, ticket_id: int, now: datetime
) -> tuple[routing.Route | None, Explained | None]:
    book = routing.in_force(db)
    found = routing.explain(db, book, ticket_id, now) if book is not None else None
    return routing.route_of(db, ticket_id), found


def _explained(db: Connection, content: str | None, ticket_id: int, now: datetime) -> Explained:
    return routing.explain(db, book_for(db, content), ticket_id, now)


def _again(
    db: Connection, ticket_id: int, now: datetime, *, by: By, expected_version: int | None
) -> Ticket:
    held(db, ticket_id, by, expected_version)
    return routing.route(db, ticket_id, now, again=True)
