"""Calls to customers: how they stand, the switch, and numbers that are marked."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from sqlalchemy import Connection

from desk.access import Reach
from desk.api.access import Reader, reader
from desk.api.outbound_models import (
    AlarmOut,
    AttemptOut,
    MarkIn,
    MarkOut,
    OutboundCallOut,
    OutboundOut,
    PlaceAnywhere,
    SwitchOut,
    Turn,
)
from desk.api.paging import Page, by_moment, moment_from_cursor, number_from_cursor
from desk.api.problems import Problem, not_found
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, Number, described, e164, room
from desk.api.state import ApiState
from desk.api.ticket_writing import within_reach
from desk.api.writing import Write, Writing
from desk.errors import NoSuchAgent
from desk.numbering import ticket_number
from desk.outbound import (
    Attempt,
    Order,
    OutboundSettings,
    attempts,
    limits,
    marks,
    ordering,
    requests,
)
from desk.outbound.marks import MarkName
from desk.outbound.requests import Purpose, State
from desk.outbound.settings import Way
from desk.region import locate

router = room("outbound")

Placer = Annotated[Reader, Depends(reader("calls:place"))]
Switcher = Annotated[Reader, Depends(reader("calls:supervise"))]
PLACE_ERRORS = described(
    {404: "no such agent, customer or ticket", 409: "not to be called so; nothing is dialled"}
)
DAY = timedelta(days=1)


def outbound_of(request: Request) -> OutboundSettings:
    """A dependency: how calls to customers are set."""
    settings: OutboundSettings = request.app.state.outbound
    return settings


Outbound = Annotated[OutboundSettings, Depends(outbound_of)]


@router.get("/outbound")
async def get_outbound(desk: Desk, _who: Placer, settings: Outbound) -> OutboundOut:
    """Whether calls are placed, how many, and which limits were hit. Scope `calls:place`."""
    return await desk.db.read(_standing, settings, desk.now())


@router.post("/outbound/stop")
async def stop(desk: Desk, who: Switcher, write: Write, body: Turn) -> SwitchOut:
    """Place no more calls, and hang up on those that ring, at once. Scope `calls:supervise`."""
    return await write(SwitchOut.of, limits.stop, body.reason, desk.now(), actor=who.actor)


@router.post("/outbound/start")
async def start(desk: Desk, who: Switcher, write: Write, body: Turn) -> SwitchOut:
    """Place calls again. Scope `calls:supervise`."""
    return await write(SwitchOut.of, limits.start, body.reason, desk.now(), actor=who.actor)


@router.get("/outbound/calls")
async def list_calls(
    desk: Desk,
    who: Placer,
    purpose: Purpose | None = None,
    way: Way | None = None,
    state: State | None = None,
    agent: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OutboundCallOut]:
    """Calls that are wanted, the newest first; who does not see everything sees those of the own
    telephone. Scope `calls:place`.
    """
    if who.reach is not Reach.OTHER:
        agent = own_extension(who)
    found = await desk.db.read(
        requests.search,
        purpose=purpose,
        way=way,
        state=state,
        agent=agent,
        before=number_from_cursor(cursor),
        limit=limit + 1,
    )
    return Page[OutboundCallOut].of(
        found, limit, lambda r: r.id, lambda r: OutboundCallOut.of(r, who.masked)
    )


@router.post("/outbound/calls", status_code=201, responses=PLACE_ERRORS)
async def place_call(
    desk: Desk, who: Placer, write: Write, settings: Outbound, body: PlaceAnywhere
) -> OutboundCallOut:
    """Call a customer or a number, about no ticket: the agent's telephone rings first. Scope
    `calls:place`.
    """
    order = Order(
        key=f"order:{secrets.token_hex(12)}",
        agent=body.agent,
        customer_id=body.customer_id,
        number=body.number,
        at=body.at,
        note=body.note,
    )
    return await ordered(desk, who, write, settings, order, who.masked)


@router.get("/outbound/calls/{request_id}", responses=MISSING)
async def get_call(desk: Desk, who: Placer, request_id: Id) -> OutboundCallOut:
    """One call that is wanted. Scope `calls:place`."""
    return OutboundCallOut.of(await _theirs(desk, who, request_id), who.masked)


@router.delete(
    "/outbound/calls/{request_id}",
    responses=described({404: "there is none", 409: "it is under way or over"}),
)
async def cancel_call(desk: Desk, who: Placer, write: Write, request_id: Id) -> OutboundCallOut:
    """Want it no more. Scope `calls:place`."""
    await _theirs(desk, who, request_id)
    return await write(
        lambda gone: OutboundCallOut.of(gone, who.masked),
        ordering.cancel, request_id, desk.now(), actor=who.actor,
    )  # fmt: skip


@router.get("/outbound/attempts")
async def list_attempts(
    desk: Desk,
    who: Placer,
    number: Number = None,
    purpose: Annotated[str | None, Query(max_length=20)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AttemptOut]:
    """Every call that was placed, the newest first, with the evidence in one place: both numbers,
    times, identity, consent, recordings. Scope `calls:place`.
    """
    before = moment_from_cursor(cursor)
    found = await desk.db.read(
        attempts.search, e164=e164(number), purpose=purpose, before=before, limit=limit + 1
    )
    kept = await desk.db.read(attempts.recordings_of, found)

    def item(attempt: Attempt) -> AttemptOut:
        return AttemptOut.of(attempt, who.masked, kept)

    return by_moment(found, limit, lambda a: a.placed_at, item, before)


# -- numbers ---------------------------------------------------------------------------------------

Marked = Annotated[str, Path(min_length=3, max_length=40, description="in any form")]


@router.get("/outbound/marks")
async def list_marks(
    desk: Desk,
    who: Placer,
    mark: MarkName | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MarkOut]:
    """Numbers that are not to be called, or are not surely one person's, newest first. Scope
    `calls:place`.
    """
    before = moment_from_cursor(cursor)
    found = await desk.db.read(marks.newest, mark=mark, before=before, limit=limit + 1)
    return by_moment(found, limit, lambda m: m.at, lambda m: MarkOut.of(m, who.masked), before)


@router.put("/outbound/marks/{mark}/{number}", responses=MISSING)
async def put_mark(
    desk: Desk, who: Placer, write: Write, mark: MarkName, number: Marked, body: MarkIn
) -> MarkOut:
    """Mark a number; twice is once. Scope `calls:place`."""
    return await write(
        lambda kept: MarkOut.of(kept, who.masked),
        marks.put, _stored(number), mark, body.reason, desk.now(), actor=who.actor,
    )  # fmt: skip


@router.delete("/outbound/marks/{mark}/{number}", status_code=204, responses=MISSING)
async def remove_mark(
    desk: Desk, who: Placer, write: Write, mark: MarkName, number: Marked
) -> None:
    """Take a mark back. Scope `calls:place`."""

    def tell(gone: bool) -> None:
        if not gone:
            raise not_found(f"mark {mark} on that number", "GET /api/v1/outbound/marks lists them.")

    await write(tell, marks.remove, _stored(number), mark, desk.now(), actor=who.actor)


# -- together with tickets -------------------------------------------------------------------------


async def ordered(
    desk: ApiState,
    who: Reader,
    write: Writing,
    settings: OutboundSettings,
    order: Order,
    masked: bool,
) -> OutboundCallOut:
    """A call that somebody may want.

    Raises:
        NoSuchAgent, NoSuchTicket, NoSuchCustomer: there is none.
        NotDialled: nobody is to be called so.
        Problem: it is another agent's telephone.
    """
    known = [agent.extension for agent in desk.control.agents()]
    if known and order.agent not in known:
        raise NoSuchAgent(order.agent)
    if who.reach is not Reach.OTHER and order.agent != own_extension(who):
        raise Problem(
            403,
            "telephone-of-others",
            "Not your telephone",
            f"{order.agent} is another agent's; for the role {who.principal.role} only the own "
            "telephone rings.",
            "Give your own extension, or ask a lead.",
        )
    return await write(
        lambda wanted: OutboundCallOut.of(wanted, masked),
        ordering.order, order, settings, desk.now(), actor=who.actor,
    )  # fmt: skip


def own_extension(who: Reader) -> str:
    """Of the asker's own telephone; `-`, which nobody has, where none is known."""
    own = (n.removeprefix("agent:") for n in who.principal.names if n.startswith("agent:"))
    return next(own, "-")


async def _theirs(desk: ApiState, who: Reader, request_id: int) -> requests.Request:
    found = await desk.db.read(requests.get, request_id)
    if found is None:
        raise not_found(f"outbound call {request_id}", "GET /api/v1/outbound/calls lists them.")
    if who.reach is Reach.OTHER or found.agent == own_extension(who):
        return found
    if found.ticket_id is None:
        raise not_found(f"outbound call {request_id}", "GET /api/v1/outbound/calls lists them.")
    await within_reach(desk, who, ticket_number(found.ticket_id))
    return found


def _stored(number: str) -> str:
    found = locate(number).e164
    if not found:
        raise Problem(
            422, "no-number", "Not a number", f"{number[:40]!r} can be called by nobody.",
            "Write it as a caller id shows it.",
        )  # fmt: skip
    return found


def _standing(db: Connection, settings: OutboundSettings, now: datetime) -> OutboundOut:
    switch = limits.standing(db)
    return OutboundOut(
        stopped=switch.stopped,
        actor=switch.actor,
        reason=switch.reason,
        changed_at=switch.changed_at,
        trunk=settings.trunk,
        placed_last_hour=attempts.placed(db, now - limits.HOUR),
        most_per_hour=settings.limits.most_per_hour,
        going_on=attempts.going_on(db, now),
        most_at_once=settings.limits.most_at_once,
        alarms=[AlarmOut.of(alarm) for alarm in limits.recent_alarms(db, now - DAY)],
    )
