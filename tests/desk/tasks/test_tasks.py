"""Who has a task hears of it once, and once more when it is late."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from desk import tasks, timeline
from desk.chores import catch_up
from desk.db.engine import Database
from desk.errors import NoSuchTicket
from desk.notices import BadAddress
from desk.tasks import NewTask, NoSuchTask, State, TaskEnded, task_chores
from tests.rig.samples import NOW, call_with_ticket

LATER = NOW + timedelta(hours=4)


def new(**changes: object) -> NewTask:
    values = {"title": "回电", "to": "agent:8001", "key": "k", "due_at": LATER, **changes}
    return NewTask(**values)  # type: ignore[arg-type]


def notices(db: Connection) -> list[tuple[str, str]]:
    query = text("SELECT recipient, text FROM notices ORDER BY id")
    return [(row.recipient, row.text) for row in db.execute(query)]


async def test_the_same_cause_gives_one_task_and_one_notice(db: Database) -> None:
    def work(connection: Connection) -> None:
        ticket = call_with_ticket(connection)
        first = tasks.add(connection, new(ticket_id=ticket.id), NOW, actor="agent:8002")
        assert first is not None
        assert first.number == "100014"
        assert tasks.add(connection, new(ticket_id=ticket.id, title="x"), NOW) is None

    await db.write(work)
    assert await db.read(notices) == [("agent:8001", "任务 / task: 回电 (100014)")]
    assert [task.title for task in await db.read(tasks.of_ticket, 1)] == ["回电"]


async def test_a_late_task_is_told_of_once(db: Database) -> None:
    await db.write(tasks.add, new(), NOW)
    await db.write(tasks.add, new(key="b", due_at=None), NOW)
    await catch_up(db, task_chores(), lambda: LATER - timedelta(seconds=1))
    assert len(await db.read(notices)) == 2
    for _ in range(2):
        await catch_up(db, task_chores(), lambda: LATER)
    assert [told for _, told in await db.read(notices)][2:] == ["任务超时 / task is late: 回电"]
    kinds = [entry.kind for entry in await db.read(timeline.entries_after, 0, 99)]
    assert kinds.count("task.overdue") == 1


async def test_a_task_ends_once_and_a_done_one_is_never_late(db: Database) -> None:
    await db.write(tasks.add, new(), NOW)
    ended = await db.write(tasks.done, 1, NOW, actor="agent:8001", result="已回电")
    assert (ended.state, ended.result) == (State.DONE, "已回电")
    with pytest.raises(TaskEnded, match="agent:8001"):
        await db.write(tasks.drop, 1, NOW, actor="agent:8002", reason="重复")
    await catch_up(db, task_chores(), lambda: LATER)
    assert len(await db.read(notices)) == 1
    assert await db.read(tasks.listing) == []
    assert len(await db.read(tasks.listing, state=None)) == 1


async def test_one_finds_ones_own_tasks_and_those_that_are_due(db: Database) -> None:
    await db.write(tasks.add, new(), NOW)
    await db.write(tasks.add, new(key="b", to="team:天津", due_at=NOW), NOW)
    mine = await db.read(tasks.listing, to=["agent:8001"])
    assert [task.id for task in mine] == [1]
    assert [task.id for task in await db.read(tasks.listing, due_before=LATER)] == [2]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"title": "  "}, ValueError),
        ({"key": ""}, ValueError),
        ({"to": "role:"}, BadAddress),
        ({"ticket_id": 9}, NoSuchTicket),
    ],
)
async def test_a_task_that_nobody_could_do_is_refused(
    db: Database, wrong: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await db.write(tasks.add, new(**wrong), NOW)


async def test_a_task_that_is_not_there_cannot_end(db: Database) -> None:
    with pytest.raises(NoSuchTask):
        await db.write(tasks.done, 5, NOW, actor="x")
    await db.write(tasks.add, new(), NOW)
    with pytest.raises(ValueError, match="why"):
        await db.write(tasks.drop, 1, NOW, actor="x", reason=" ")
