"""Tasks: small pieces of work for a person or a team."""

from datetime import datetime
from functools import partial
from typing import Annotated, Self

from fastapi import Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from desk import tasks
from desk.access import Reach
from desk.api.access import Reader, reader
from desk.api.notices import inbox_of
from desk.api.paging import number_from_cursor, to_cursor
from desk.api.problems import Problem
from desk.api.room import MISSING, Cursor, Desk, Id, Limit, described, room
from desk.api.state import ApiState
from desk.api.ticket_writing import ADD_ERRORS, Adding, Readable
from desk.api.writing import Write
from desk.masking import mask_text
from desk.tasks import NewTask, NoSuchTask, State, Task
from desk.tasks.tasks import new_key
from desk.tickets.change import By

router = room("tasks")

Allowed = Annotated[Reader, Depends(reader("tickets:read"))]
Writer = Annotated[Reader, Depends(reader("tickets:write"))]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ENDING = described({404: "there is none in the asker's reach", 409: "it has ended already"})


class TaskOut(BaseModel):
    """A task."""

    id: int
    title: str
    note: str
    to: str = Field(description="whose it is: a person, a team or a role")
    ticket_number: str | None
    due_at: datetime | None
    state: str = Field(description="open, done or dropped")
    result: str
    actor: str = Field(description="who gave it")
    made_at: datetime
    ended_by: str
    ended_at: datetime | None

    @classmethod
    def of(cls, task: Task, masked: bool) -> Self:
        """From the desk's task."""

        def shown(text: str) -> str:
            return mask_text(text) if masked else text

        return cls(
            id=task.id,
            title=shown(task.title),
            note=shown(task.note),
            to=task.to,
            ticket_number=task.number,
            due_at=task.due_at,
            state=task.state.value,
            result=shown(task.result),
            actor=task.actor,
            made_at=task.made_at,
            ended_by=task.ended_by,
            ended_at=task.ended_at,
        )


class TasksOut(BaseModel):
    """Tasks, oldest first."""

    items: list[TaskOut]
    next: str | None = Field(None, description="`cursor` of the next page; null on the last one")


class NewTaskIn(BaseModel):
    """A task to give."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    to: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=130)] = (
        Field(description="agent:8001, an account, team:天津, role:lead@天津")
    )
    due_at: AwareDatetime | None = None
    note: str = Field("", max_length=2000)

    def new(self, ticket_id: int | None) -> NewTask:
        """As the desk takes it."""
        return NewTask(self.title, self.to, new_key(), self.due_at, ticket_id, self.note)


class Done(BaseModel):
    """What came of it."""

    model_config = ConfigDict(extra="forbid")

    result: str = Field("", max_length=2000)


class Dropped(BaseModel):
    """Why it will not be done."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


@router.get("/tasks")
async def list_tasks(
    desk: Desk,
    who: Allowed,
    everybodys: Annotated[
        bool, Query(description="not only the asker's own, his team's and his role's")
    ] = False,
    state: Annotated[State | None, Query()] = State.OPEN,
    late: Annotated[bool, Query(description="only those whose time is over")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> TasksOut:
    """Tasks of the asker, his team and his role; everybody's for who sees everything. Scope
    `tickets:read`.
    """
    if everybodys and who.reach is not Reach.OTHER:
        raise Problem(
            403, "role-not-allowed", "Not for this role", "Others' tasks are for supervisors.",
            "Leave `everybodys` out.",
        )  # fmt: skip
    found = await desk.db.read(
        tasks.listing,
        to=None if everybodys else _addresses(who),
        state=state,
        due_before=desk.now() if late else None,
        after=number_from_cursor(cursor) or 0,
        limit=limit + 1,
    )
    shown = found[:limit]
    more = len(found) > limit
    return TasksOut(
        items=[TaskOut.of(task, who.masked) for task in shown],
        next=to_cursor(str(shown[-1].id)) if more else None,
    )


@router.post("/tasks", status_code=201)
async def add_task(desk: Desk, who: Writer, write: Write, body: NewTaskIn) -> TaskOut:
    """Give somebody a task that is about no ticket. Scope `tickets:write`."""
    tell = partial(TaskOut.of, masked=who.masked)
    return await write(tell, _added, body.new(None), desk.now(), who.actor)


@router.post("/tasks/{task_id}/done", responses=ENDING)
async def end_task(desk: Desk, who: Writer, write: Write, task_id: Id, body: Done) -> TaskOut:
    """It is done. Scope `tickets:write`."""
    await _theirs(desk, who, task_id)
    tell = partial(TaskOut.of, masked=who.masked)
    return await write(tell, tasks.done, task_id, desk.now(), actor=who.actor, result=body.result)


@router.post("/tasks/{task_id}/drop", responses=ENDING)
async def drop_task(desk: Desk, who: Writer, write: Write, task_id: Id, body: Dropped) -> TaskOut:
    """It will not be done. Scope `tickets:write`."""
    await _theirs(desk, who, task_id)
    tell = partial(TaskOut.of, masked=who.masked)
    return await write(tell, tasks.drop, task_id, desk.now(), actor=who.actor, reason=body.reason)


@router.get("/tickets/{number}/tasks", responses=MISSING)
async def tasks_of_ticket(one: Readable) -> TasksOut:
    """Every task about a ticket, at most 200. Scope `tickets:read`."""
    found = await one.desk.db.read(tasks.of_ticket, one.ticket.id)
    return TasksOut(items=[TaskOut.of(task, one.masked) for task in found])


@router.post("/tickets/{number}/tasks", responses=ADD_ERRORS, status_code=201)
async def add_task_of_ticket(change: Adding, body: NewTaskIn) -> TaskOut:
    """Give somebody a task about a ticket; its version stays. Scope `tickets:write`."""

    def work(db: Connection, ticket_id: int, now: datetime, *, by: By) -> Task:
        return _added(db, body.new(ticket_id), now, by.actor)

    return await change.write(partial(TaskOut.of, masked=change.masked), work)


def _added(db: Connection, new: NewTask, now: datetime, actor: str) -> Task:
    made = tasks.add(db, new, now, actor=actor)
    assert made is not None  # noqa: S101 - its key is new
    return made


def _addresses(who: Reader) -> list[str]:
    """By which tasks reach the asker."""
    return list(inbox_of(who.principal).addresses)


async def _theirs(desk: ApiState, who: Reader, task_id: int) -> None:
    """The task is the asker's, or he may end everybody's.

    Raises:
        NoSuchTask: there is none that he may end.
    """
    task = await desk.db.read(tasks.get, task_id)
    if task is None or (who.reach is not Reach.OTHER and task.to not in _addresses(who)):
        raise NoSuchTask(task_id)
