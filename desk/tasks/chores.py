"""Telling once that a task is late."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from desk.chores import Chore
from desk.db.schema.automation import tasks
from desk.db.types import iso, moment
from desk.notices import NewNotice, notify
from desk.numbering import ticket_number
from desk.timeline import append

_WAITS = (tasks.c.state == "open", tasks.c.reminded_at.is_(None), tasks.c.due_at.is_not(None))


def task_chores() -> list[Chore]:
    """The chores of tasks."""
    return [Chore("tasks.late", remind, next_late)]


def remind(db: Connection, now: datetime, limit: int) -> int:
    """Tell of up to `limit` tasks that are late, each once; `task.overdue`, and a notice."""
    query = (
        select(tasks)
        .where(*_WAITS, tasks.c.due_at <= now)
        .order_by(tasks.c.due_at, tasks.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.execute(query).all()
    for row in rows:
        db.execute(update(tasks).where(tasks.c.id == row.id).values(reminded_at=now))
        number = ticket_number(row.ticket_id) if row.ticket_id is not None else None
        body = {
            "task_id": row.id,
            "title": row.title,
            "to": row.assignee,
            "number": number,
            "due_at": iso(moment(row.due_at)),
        }
        append(db, kind="task.overdue", body=body, now=now, ticket_id=row.ticket_id)
        text = f"任务超时 / task is late: {row.title}" + (f" ({number})" if number else "")
        new = NewNotice(row.assignee, "task", text, f"task-late:{row.id}", row.ticket_id)
        notify(db, new, now)
    return len(rows)


def next_late(db: Connection) -> datetime | None:
    """When the next task becomes late."""
    query = select(tasks.c.due_at).where(*_WAITS).order_by(tasks.c.due_at).limit(1)
    at: datetime | None = db.execute(query).scalar()
    return at
