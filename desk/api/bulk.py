"""Bulk actions: the same for many tickets, and an answer for each of them."""

from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from desk.access import Reach, reach_of
from desk.api.access import Reader, reader
from desk.api.problems import Problem, Versions, of_desk_error
from desk.api.room import Desk, room
from desk.api.state import ApiState
from desk.api.ticket_bodies import TicketNumber
from desk.api.ticket_writing import by, within_reach
from desk.errors import DeskError
from desk.teamwork import bulk
from desk.teamwork.bulk import Action

router = room("bulk")

Writer = Annotated[Reader, Depends(reader("tickets:write"))]


class Item(BaseModel):
    """One of the tickets."""

    model_config = ConfigDict(extra="forbid")

    number: TicketNumber
    version: Annotated[int, Field(ge=1, le=999_999_999)] | None = Field(
        None, description="the version that was seen; only `note`, `watch` and `link` need none"
    )


class Run(BaseModel):
    """What to do, and to which tickets."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[\x21-\x7e]+$")] = Field(
        description="drawn by lot for this run, such as a UUID. A run that broke off is asked for "
        "again under its key: what was done is not done twice. Kept for a week"
    )
    action: Action
    items: Annotated[list[Item], Field(min_length=1, max_length=bulk.MOST)]


class ItemOut(BaseModel):
    """What became of one ticket."""

    number: str
    result: Literal["done", "done_before", "refused"]
    version: int | None = Field(None, description="the ticket's, afterwards")
    error_id: str | None = None
    detail: str | None = Field(None, description="why it was refused; nothing changed")
    versions: Versions | None = Field(None, description="with `version-conflict`")


class RunOut(BaseModel):
    """What became of each, in the order of the request."""

    items: list[ItemOut]
    done: int = Field(description="now or before")
    refused: int


@router.post("/tickets/bulk")
async def act(desk: Desk, who: Writer, body: Run) -> RunOut:
    """Do one thing to up to 200 tickets. Each is a transaction of its own, with its own version and
    its own answer: one that is refused stops no other. Scope `tickets:write`.
    """
    reach = reach_of(body.action.operation, who.principal.role)
    doer = Reader(who.principal, min(reach, who.reach))
    seen: set[str] = set()
    results = []
    for item in body.items:
        if item.number in seen:
            results.append(_refused(item, _twice(item)))
            continue
        seen.add(item.number)
        try:
            results.append(await _one(desk, doer, body, item))
        except Problem as problem:
            results.append(_refused(item, problem))
        except DeskError as error:
            if error.retryable:
                raise  # the rest would fare no better; ask again under the same key
            results.append(_refused(item, of_desk_error(error)))
    refused = sum(one.result == "refused" for one in results)
    return RunOut(items=results, done=len(results) - refused, refused=refused)


async def _one(desk: ApiState, who: Reader, run: Run, item: Item) -> ItemOut:
    """Do it to one ticket.

    Raises:
        Problem: it is not the asker's, or lacks its version.
        DeskError: it is not possible.
    """
    if who.reach is Reach.NONE:
        raise Problem(
            403, "operation-not-allowed", "Not for this role",
            f"{run.action.do} is not for the role {who.principal.role}.", "Ask a supervisor.",
        )  # fmt: skip
    ticket = await within_reach(desk, who, item.number)
    if item.version is None and not isinstance(run.action, bulk.UNVERSIONED):
        raise Problem(
            428, "version-missing", "Version missing",
            "A change of a ticket says which version it is based on.", "Send its `version`.",
        )  # fmt: skip
    if isinstance(run.action, bulk.Merge):
        await within_reach(desk, who, run.action.survivor)
    owner = who.principal.owner
    version, fresh = await desk.db.write(
        bulk.act, ticket.id, run.action, desk.now(), by=by(who), owner=owner, key=run.key,
        seen=item.version,
    )  # fmt: skip
    return ItemOut(number=ticket.number, result="done" if fresh else "done_before", version=version)


def _refused(item: Item, problem: Problem) -> ItemOut:
    return ItemOut(
        number=item.number,
        result="refused",
        error_id=problem.body.error_id,
        detail=problem.body.detail,
        versions=problem.body.versions,
    )


def _twice(item: Item) -> Problem:
    return Problem(
        422, "twice", "Twice", f"Ticket {item.number} stands in the request twice.",
        "Name each ticket once.",
    )  # fmt: skip
