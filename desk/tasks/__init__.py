"""Small pieces of work for a person or a team: ring back, send a part, look at a case."""

from desk.tasks.chores import task_chores
from desk.tasks.tasks import (
    NewTask,
    NoSuchTask,
    State,
    Task,
    TaskEnded,
    add,
    done,
    drop,
    get,
    listing,
    of_ticket,
)

__all__ = [
    "NewTask",
    "NoSuchTask",
    "State",
    "Task",
    "TaskEnded",
    "add",
    "done",
    "drop",
    "get",
    "listing",
    "of_ticket",
    "task_chores",
]
