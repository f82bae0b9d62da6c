"""Calls about one ticket, and re-visits (定期回访) after it is closed."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Path, Query
from sqlalchemy import Connection

from desk.access import Reach
from desk.api.access import Reader, reader
from desk.api.outbound import PLACE_ERRORS, Outbound, ordered, own_extension
from desk.api.outbound_models import (
    AttemptOut,
    MobileIn,
    MobileOut,
    OutboundCallOut,
    OutboundCallsOut,
    Place,
    PlanRevisits,
    RevisitOut,
    RevisitsOut,
    Turn,
    VisitDone,
)
from desk.api.paging import Page, number_from_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, room
from desk.api.ticket_writing import ADD_ERRORS, Adding, Change, Readable, adding
from desk.outbound import (
    Attempt,
    NoSuchRevisit,
    Order,
    Request,
    Revisit,
    attempts,
    mobiles,
    requests,
    revisits,
)
from desk.region import locate
from desk.tickets.change import By

router = room("outbound")

Calling = Annotated[Change, Depends(adding("calls:place"))]
VisitNumber = Annotated[int, Path(ge=1, le=24)]


@router.get("/tickets/{number}/outbound-calls", responses=MISSING)
async def calls_of_ticket(one: Readable) -> OutboundCallsOut:
    """Calls to the customer that were wanted about a ticket, and placed. Scope `tickets:read`."""
    found = await one.desk.db.read(requests.search, ticket_id=one.ticket.id, limit=200)
    made, kept = await one.desk.db.read(_attempts, found)
    mobile = await one.desk.db.read(mobiles.of_ticket, one.ticket)
    return OutboundCallsOut(
        items=[OutboundCallOut.of(each, one.masked) for each in found],
        attempts=[AttemptOut.of(each, one.masked, kept) for each in made],
        mobile_wanted=mobile.wanted,
    )


@router.get("/tickets/{number}/mobile", responses=MISSING)
async def mobile_of_ticket(one: Readable) -> MobileOut:
    """Whether the customer is to be asked for a mobile, which a case wants where only a land line
    is known. Scope `tickets:read`.
    """
    found = await one.desk.db.read(mobiles.of_ticket, one.ticket)
    return MobileOut.of(found, one.masked)


@router.put("/tickets/{number}/mobile", responses=ADD_ERRORS)
async def answer_mobile(change: Adding, body: MobileIn) -> MobileOut:
    """The customer's mobile, which goes into the customer's record too; or that there is none, and
    why. Scope `tickets:write`.
    """
    caller = locate(body.number) if body.number is not None else None
    if caller is None and not body.reason:
        raise Problem(
            422, "no-mobile", "No mobile", "Neither a number nor why there is none.",
            "Give `number`, or `reason` if the customer has none.",
        )  # fmt: skip
    try:
        return await change.write(
            partial(MobileOut.of, masked=change.masked),
            mobiles.answer, caller, reason=body.reason,
        )  # fmt: skip
    except ValueError as error:
        raise Problem(
            422, "no-mobile", "No mobile", f"{body.number!r}: {error}",
            "Give the customer's mobile, or `reason` if there is none.",
        ) from error  # fmt: skip


@router.post("/tickets/{number}/outbound-calls", status_code=201, responses=PLACE_ERRORS)
async def call_about_ticket(change: Calling, settings: Outbound, body: Place) -> OutboundCallOut:
    """Call the ticket's customer, at once or at a moment: the agent's telephone rings first, and
    the call belongs to the ticket. Scope `calls:place`.
    """
    order = Order(
        key=f"order:{secrets.token_hex(12)}",
        agent=body.agent,
        ticket_id=change.ticket_id,
        number=body.number,
        at=body.at,
        note=body.note,
        purpose="revisit" if body.revisit and body.at is None else None,
    )
    return await ordered(change.desk, change.who, change.writing, settings, order, change.masked)


@router.get("/revisits")
async def list_due_revisits(
    desk: Desk,
    who: Annotated[Reader, Depends(reader("tickets:read"))],
    agent: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RevisitOut]:
    """Re-visits that are somebody's task now, the oldest first; who does not see everything sees
    the own. Scope `tickets:read`.
    """
    whose = agent if who.reach is Reach.OTHER else own_extension(who)
    after = number_from_cursor(cursor) or 0
    found = await desk.db.read(revisits.due, agent=whose, after=after, limit=limit + 1)
    return Page[RevisitOut].of(found, limit, lambda r: r.id, lambda r: RevisitOut.of(r, who.masked))


@router.get("/tickets/{number}/revisits", responses=MISSING)
async def revisits_of_ticket(one: Readable) -> RevisitsOut:
    """A ticket's series of re-visits. Scope `tickets:read`."""
    found = await one.desk.db.read(revisits.of_ticket, one.ticket.id)
    return RevisitsOut(items=[RevisitOut.of(each, one.masked) for each in found])


@router.post("/tickets/{number}/revisits", status_code=201, responses=ADD_ERRORS)
async def plan_revisits(change: Adding, body: PlanRevisits) -> RevisitOut:
    """定期回访: have the customer of a closed case asked again, every so many days. Scope
    `tickets:write`.
    """

    def work(db: Connection, ticket_id: int, now: datetime, *, by: By) -> Revisit:
        return revisits.plan(
            db, ticket_id, body.every_days, body.visits, now,
            actor=by.actor, agent=body.agent, first_at=body.first_at, note=body.note,
        )  # fmt: skip

    return await change.write(partial(RevisitOut.of, masked=change.masked), work)


@router.post("/tickets/{number}/revisits/{revisit_id}/visits/{visit}", responses=ADD_ERRORS)
async def record_visit(
    change: Adding, revisit_id: Id, visit: VisitNumber, body: VisitDone
) -> RevisitOut:
    """Record how a visit went. Scope `tickets:write`."""

    def work(db: Connection, ticket_id: int, now: datetime, *, by: By) -> Revisit:
        _of_ticket(db, revisit_id, ticket_id)
        return revisits.record(
            db, revisit_id, visit, body.outcome, body.result, now,
            actor=by.actor, call_id=body.call_id,
        )  # fmt: skip

    return await change.write(partial(RevisitOut.of, masked=change.masked), work)


@router.post("/tickets/{number}/revisits/{revisit_id}/cancel", responses=ADD_ERRORS)
async def cancel_revisits(change: Adding, revisit_id: Id, body: Turn) -> RevisitOut:
    """No further visits. Scope `tickets:write`."""

    def work(db: Connection, ticket_id: int, now: datetime, *, by: By) -> Revisit:
        _of_ticket(db, revisit_id, ticket_id)
        return revisits.cancel(db, revisit_id, body.reason, now, actor=by.actor)

    return await change.write(partial(RevisitOut.of, masked=change.masked), work)


def _of_ticket(db: Connection, revisit_id: int, ticket_id: int) -> None:
    """The series is of this ticket, which the asker may change.

    Raises:
        NoSuchRevisit: it is not.
    """
    found = revisits.get(db, revisit_id)
    if found is None or found.ticket_id != ticket_id:
        raise NoSuchRevisit(revisit_id)


def _attempts(
    db: Connection, found: list[Request]
) -> tuple[list[Attempt], Mapping[str, tuple[int, ...]]]:
    made = [one for each in found for one in attempts.of_request(db, each.id)]
    return made, attempts.recordings_of(db, made)
