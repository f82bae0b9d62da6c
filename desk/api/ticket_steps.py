"""The steps of a ticket's life."""

from typing import Annotated

from fastapi import Depends

from desk.api import ticket_bodies as take
from desk.api.access import Reader, reader
from desk.api.room import room
from desk.api.ticket_models import LifecycleOut, TicketOut
from desk.api.ticket_writing import CHANGE_ERRORS, Changing, Overriding
from desk.tickets import closing, steps, voiding

router = room("ticket lifecycle")


@router.get("/lifecycle")
async def lifecycle(who: Annotated[Reader, Depends(reader("tickets:read"))]) -> LifecycleOut:
    """The table of transitions: from where to where, who may, what it needs, what follows. Scope
    `tickets:read`.
    """
    return LifecycleOut.whole()


@router.post("/tickets/{number}/assign", responses=CHANGE_ERRORS)
async def assign(change: Changing, body: take.Assign) -> TicketOut:
    """分配: put a team or a person in charge. Scope `tickets:write`."""
    return await change.run(steps.assign, team=body.team, assignee=body.assignee)


@router.post("/tickets/{number}/start", responses=CHANGE_ERRORS)
async def start(change: Changing) -> TicketOut:
    """开始处理: begin, or go on after waiting; where nobody is in charge, the token is. Scope
    `tickets:write`.
    """
    return await change.run(steps.start)


@router.post("/tickets/{number}/wait", responses=CHANGE_ERRORS)
async def wait(change: Changing, body: take.Wait) -> TicketOut:
    """待客户: nothing can be done until the customer does something. Scope `tickets:write`."""
    return await change.run(steps.wait, body.reason)


@router.post("/tickets/{number}/escalate", responses=CHANGE_ERRORS)
async def escalate(change: Changing, body: take.Escalate) -> TicketOut:
    """升级: to somebody who can do more; again, one step further up. Scope `tickets:write`."""
    return await change.run(steps.escalate, body.reason, team=body.team, assignee=body.assignee)


@router.post("/tickets/{number}/resolve", responses=CHANGE_ERRORS)
async def resolve(change: Changing, body: take.Resolve) -> TicketOut:
    """解决: solved, as the handler sees it; the customer is asked next. Scope `tickets:write`."""
    return await change.run(closing.resolve, body.solution)


@router.post("/tickets/{number}/confirm", responses=CHANGE_ERRORS)
async def confirm(change: Changing, body: take.Talked) -> TicketOut:
    """确认关闭: the customer said in a talk that it is solved. Answers by key, SMS and link are
    recorded by what receives them. Scope `tickets:write`.
    """
    return await change.run(closing.confirm, body.given())


@router.post("/tickets/{number}/solve-in-call", responses=CHANGE_ERRORS)
async def solve_in_call(change: Changing, body: take.SolveInCall) -> TicketOut:
    """当场解决: solved while the customer was on the line, who said so there. Scope
    `tickets:write`.
    """
    return await change.run(closing.solve_in_call, body.solution, body.given())


@router.post("/tickets/{number}/override", responses=CHANGE_ERRORS)
async def override(change: Overriding, body: take.Override) -> TicketOut:
    """主管关闭: close what the customer does not answer, by name and for a reason. Scope
    `tickets:override`.
    """
    name = change.who.principal.full_name or body.supervisor  # who is known signs as himself
    return await change.run(closing.override, name, body.reason)


@router.post("/tickets/{number}/reopen", responses=CHANGE_ERRORS)
async def reopen(change: Changing, body: take.Reopen) -> TicketOut:
    """重新打开: it is not solved; or it was no wrong number after all, which takes the scope
    `tickets:override` as well. Scope `tickets:write`.
    """
    given = body.talked.given() if body.talked is not None else None
    return await change.run(closing.reopen, body.reason, given=given)


@router.post("/tickets/{number}/void", responses=CHANGE_ERRORS)
async def void(change: Changing, body: take.Void) -> TicketOut:
    """作废: a wrong number, silence or a test; counts as neither solved nor unsolved, and a sample
    is looked at. Scope `tickets:write`.
    """
    return await change.run(voiding.void, body.reason)


@router.post("/tickets/{number}/void/pass", responses=CHANGE_ERRORS)
async def pass_void(change: Overriding) -> TicketOut:
    """抽查通过: a look at it found 作废 right; where it was not, reopen it. Scope
    `tickets:override`.
    """
    return await change.run(voiding.pass_void)
