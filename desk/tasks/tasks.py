"""Giving somebody a task, and ending it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from desk.db.insert import insert_unless_there
from desk.db.schema.automation import tasks
from desk.db.types import iso, moment
from desk.errors import NoSuchTicket, NotFound, Refused
from desk.notices import NewNotice, address, notify
from desk.numbering import ticket_number
from desk.text import storable
from desk.tickets.ticket import get as get_ticket
from desk.timeline import append

MOST_TITLE = 200
MOST_NOTE = 2000
MOST = 200


class NoSuchTask(NotFound):
    """No task with this id."""

    error_id = "no-such-task"

    def __init__(self, task_id: int) -> None:
        super().__init__(f"no task with id {task_id}; list them again")
        self.task_id = task_id


class TaskEnded(Refused):
    """The task is done or dropped already."""

    error_id = "task-ended"

    def __init__(self, task_id: int, state: str, by: str) -> None:
        super().__init__(f"task {task_id} is {state} already, by {by}; make a new one")
        self.task_id = task_id


class State(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to give.

    Attributes:
        to: an address, see `desk.notices.addresses`.
        key: a second task with the same key is not made: name the cause.
        due_at: when it should be done; None: some time.
    """

    title: str
    to: str
    key: str
    due_at: datetime | None = None
    ticket_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `result`: what came of it; `reminded_at`: when it was told that it is late."""

    id: int
    title: str
    note: str
    to: str
    ticket_id: int | None
    due_at: datetime | None
    state: State
    result: str
    actor: str
    made_at: datetime
    reminded_at: datetime | None
    ended_by: str
    ended_at: datetime | None

    @property
    def number(self) -> str | None:
        """The ticket's number."""
        return ticket_number(self.ticket_id) if self.ticket_id is not None else None


def new_key() -> str:
    """A key for a task that somebody gives by hand: no other one has it."""
    return f"hand:{secrets.token_hex(16)}"


_NAMES = tuple(name for name in tasks.c.keys() if name != "id")  # noqa: SIM118
_INSERT = insert_unless_there(tasks, _NAMES)


def add(db: Connection, new: NewTask, now: datetime, *, actor: str = "system") -> Task | None:
    """Give somebody a task; `task.added`, and a notice. None: the key is there already.

    Raises:
        BadAddress: `to` reaches nobody.
        NoSuchTicket: there is none with this id.
        ValueError: it has no title or no key.
    """
    title = storable(" ".join(new.title.split()), MOST_TITLE)
    if not title or not 0 < len(new.key) <= 200:
        raise ValueError("a task has a title, and a key of at most 200 characters")
    if new.ticket_id is not None and get_ticket(db, new.ticket_id) is None:
        raise NoSuchTicket(new.ticket_id)
    row = {
        "key": new.key,
        "title": title,
        "note": storable(new.note.strip(), MOST_NOTE),
        "assignee": address(new.to),
        "ticket_id": new.ticket_id,
        "due_at": new.due_at,
        "state": State.OPEN.value,
        "result": "",
        "actor": storable(actor, 200),
        "made_at": now,
        "reminded_at": None,
        "ended_by": "",
        "ended_at": None,
    }
    if _INSERT.execute(db, row).rowcount == 0:
        return None
    task_id: int = db.execute(select(tasks.c.id).where(tasks.c.key == new.key)).scalar_one()
    task = _must(db, task_id)
    told = _told(task) | {"due_at": iso(task.due_at) if task.due_at is not None else None}
    append(db, kind="task.added", body=told, now=now, ticket_id=task.ticket_id, actor=actor)
    text = f"任务 / task: {title}" + (f" ({task.number})" if task.number else "")
    notify(db, NewNotice(task.to, "task", text, f"task:{task_id}", task.ticket_id, actor), now)
    return task


def done(db: Connection, task_id: int, now: datetime, *, actor: str, result: str = "") -> Task:
    """It is done; `task.done`.

    Raises:
        NoSuchTask: there is none with this id.
        TaskEnded: it has ended already.
    """
    task = _end(db, task_id, State.DONE, result, actor, now)
    body = {**_told(task), "result": task.result}
    append(db, kind="task.done", body=body, now=now, ticket_id=task.ticket_id, actor=actor)
    return task


def drop(db: Connection, task_id: int, now: datetime, *, actor: str, reason: str) -> Task:
    """It will not be done; `task.dropped`.

    Raises:
        NoSuchTask, TaskEnded: see `done`.
        ValueError: no reason is given.
    """
    if not reason.strip():
        raise ValueError("say why the task is not to be done")
    task = _end(db, task_id, State.DROPPED, reason, actor, now)
    body = {**_told(task), "reason": task.result}
    append(db, kind="task.dropped", body=body, now=now, ticket_id=task.ticket_id, actor=actor)
    return task


def get(db: Connection, task_id: int) -> Task | None:
    """The task with this id."""
    row = db.execute(select(tasks).where(tasks.c.id == task_id)).one_or_none()
    return _task(row) if row is not None else None


def listing(
    db: Connection,
    *,
    to: Sequence[str] | None = None,
    state: State | None = State.OPEN,
    due_before: datetime | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Task]:
    """Tasks by id, at most 200.

    Args:
        to: addresses; None: everybody's.
        after: only those with a greater id.
    """
    query = select(tasks).where(tasks.c.id > after).order_by(tasks.c.id).limit(min(limit, MOST))
    if to is not None:
        query = query.where(tasks.c.assignee.in_(list(to)))
    if state is not None:
        query = query.where(tasks.c.state == state.value)
    if due_before is not None:
        query = query.where(tasks.c.due_at < due_before)
    return [_task(row) for row in db.execute(query)]


def of_ticket(db: Connection, ticket_id: int) -> list[Task]:
    """A ticket's tasks, oldest first, at most 200."""
    query = select(tasks).where(tasks.c.ticket_id == ticket_id).order_by(tasks.c.id).limit(MOST)
    return [_task(row) for row in db.execute(query)]


def _end(
    db: Connection, task_id: int, state: State, result: str, actor: str, now: datetime
) -> Task:
    row = db.execute(select(tasks).where(tasks.c.id == task_id).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchTask(task_id)
    task = _task(row)
    if task.state is not State.OPEN:
        raise TaskEnded(task_id, task.state.value, task.ended_by)
    values = {
        "state": state.value,
        "result": storable(result.strip(), MOST_NOTE),
        "ended_by": storable(actor, 200),
        "ended_at": now,
    }
    db.execute(update(tasks).where(tasks.c.id == task_id).values(**values))
    return replace(task, state=state, result=str(values["result"]), ended_by=actor, ended_at=now)


def _told(task: Task) -> dict[str, Any]:
    return {"task_id": task.id, "title": task.title, "to": task.to, "number": task.number}


def _must(db: Connection, task_id: int) -> Task:
    task = get(db, task_id)
    if task is None:
        raise NoSuchTask(task_id)
    return task


def _task(row: Any) -> Task:
    return Task(
        id=row.id,
        title=row.title,
        note=row.note,
        to=row.assignee,
        ticket_id=row.ticket_id,
        due_at=moment(row.due_at) if row.due_at is not None else None,
        state=State(row.state),
        result=row.result,
        actor=row.actor,
        made_at=moment(row.made_at),
        reminded_at=moment(row.reminded_at) if row.reminded_at is not None else None,
        ended_by=row.ended_by,
        ended_at=moment(row.ended_at) if row.ended_at is not None else None,
    )
