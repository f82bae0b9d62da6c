"""The steps of a ticket's life."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from desk.api import ticket_bodies as take
from desk.api.access import Reader, reader
from desk.api.room import Desk, room
from desk.api.ticket_models import LifecycleOut, TicketOut
from desk.api.ticket_writing import (
    CHANGE_ERRORS,
    Expected,
    Supervisor,
    TicketId,
    Writer,
    by,
    change,
)
from desk.tickets import closing, steps, voiding

router = room("ticket lifecycle")


@router.get("/lifecycle")
async def lifecycle(who: Annotated[Reader, Depends(reader("tickets:read"))]) -> LifecycleOut:
    """The table of transitions: from where to where, who may, what it needs, what follows. Scope
    `tickets:read`.
    """
    return LifecycleOut.whole()


@router.post("/tickets/{number}/assign", responses=CHANGE_ERRORS)
async def assign(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Assign, response: Response
) -> TicketOut:
    """分配: put a team or a person in charge. Scope `tickets:write`."""
    return await change(
        desk, who, response, steps.assign, ticket, desk.now(), by=by(who), expected_version=seen,
        team=body.team, assignee=body.assignee,
    )  # fmt: skip


@router.post("/tickets/{number}/start", responses=CHANGE_ERRORS)
async def start(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, response: Response
) -> TicketOut:
    """开始处理: begin, or go on after waiting; where nobody is in charge, the token is. Scope
    `tickets:write`.
    """
    return await change(
        desk, who, response, steps.start, ticket, desk.now(), by=by(who), expected_version=seen
    )


@router.post("/tickets/{number}/wait", responses=CHANGE_ERRORS)
async def wait(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Wait, response: Response
) -> TicketOut:
    """待客户: nothing can be done until the customer does something. Scope `tickets:write`."""
    return await change(
        desk, who, response, steps.wait, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/escalate", responses=CHANGE_ERRORS)
async def escalate(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Escalate,
    response: Response,
) -> TicketOut:  # fmt: skip
    """升级: to somebody who can do more; again, one step further up. Scope `tickets:write`."""
    return await change(
        desk, who, response, steps.escalate, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen, team=body.team, assignee=body.assignee,
    )  # fmt: skip


@router.post("/tickets/{number}/resolve", responses=CHANGE_ERRORS)
async def resolve(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Resolve,
    response: Response,
) -> TicketOut:  # fmt: skip
    """解决: solved, as the handler sees it; the customer is asked next. Scope `tickets:write`."""
    return await change(
        desk, who, response, closing.resolve, ticket, body.solution, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/confirm", responses=CHANGE_ERRORS)
async def confirm(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Talked, response: Response
) -> TicketOut:
    """确认关闭: the customer said in a talk that it is solved. Answers by key, SMS and link are
    recorded by what receives them. Scope `tickets:write`.
    """
    return await change(
        desk, who, response, closing.confirm, ticket, body.given(), desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/solve-in-call", responses=CHANGE_ERRORS)
async def solve_in_call(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.SolveInCall,
    response: Response,
) -> TicketOut:  # fmt: skip
    """当场解决: solved while the customer was on the line, who said so there. Scope
    `tickets:write`.
    """
    return await change(
        desk, who, response, closing.solve_in_call, ticket, body.solution, body.given(),
        desk.now(), by=by(who), expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/override", responses=CHANGE_ERRORS)
async def override(
    desk: Desk, who: Supervisor, ticket: TicketId, seen: Expected, body: take.Override,
    response: Response,
) -> TicketOut:  # fmt: skip
    """主管关闭: close what the customer does not answer, by name and for a reason. Scope
    `tickets:override`.
    """
    return await change(
        desk, who, response, closing.override, ticket, body.supervisor, body.reason, desk.now(),
        by=by(who), expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/reopen", responses=CHANGE_ERRORS)
async def reopen(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Reopen, response: Response
) -> TicketOut:
    """重新打开: it is not solved; or it was no wrong number after all, which takes the scope
    `tickets:override` as well. Scope `tickets:write`.
    """
    given = body.talked.given() if body.talked is not None else None
    return await change(
        desk, who, response, closing.reopen, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen, given=given,
    )  # fmt: skip


@router.post("/tickets/{number}/void", responses=CHANGE_ERRORS)
async def void(
    desk: Desk, who: Writer, ticket: TicketId, seen: Expected, body: take.Void, response: Response
) -> TicketOut:
    """作废: a wrong number, silence or a test; counts as neither solved nor unsolved, and a sample
    is looked at. Scope `tickets:write`.
    """
    return await change(
        desk, who, response, voiding.void, ticket, body.reason, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip


@router.post("/tickets/{number}/void/pass", responses=CHANGE_ERRORS)
async def pass_void(
    desk: Desk, who: Supervisor, ticket: TicketId, seen: Expected, response: Response
) -> TicketOut:
    """抽查通过: a look at it found 作废 right; where it was not, reopen it. Scope
    `tickets:override`.
    """
    return await change(
        desk, who, response, voiding.pass_void, ticket, desk.now(), by=by(who),
        expected_version=seen,
    )  # fmt: skip
