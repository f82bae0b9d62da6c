"""What customers press in calls of ours, written again on a real desk: nobody's case is closed or
opened twice, wherever a crash tears the story.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from ari_app.calls.journal import records as calls
from ari_app.calls.journal.units import Record, Unit, apply
from ari_app.calls.outbound.outbound_records import (
    attempt_answered,
    attempt_consented,
    attempt_identified,
    question_answered,
)
from desk.db import schema
from desk.db.engine import Database
from desk.outbound import request_confirmation
from tests.ari_app.calls.journal_rig import contents
from tests.desk.outbound.samples import MORNING, case, dial, request_of

SOLVED, REOPENED = "c-solved", "c-reopened"
START = MORNING + timedelta(minutes=5)

STORY: tuple[tuple[str, Unit[Any]], ...] = (
    (SOLVED, attempt_answered(SOLVED)),
    (SOLVED, attempt_identified(SOLVED, "pressed")),
    (SOLVED, attempt_consented(SOLVED, "given")),
    (SOLVED, question_answered(1, SOLVED, True, "pressed", "")),
    (SOLVED, calls.call_finish(SOLVED, "completed", None, None, None)),
    (REOPENED, attempt_answered(REOPENED)),
    (REOPENED, attempt_identified(REOPENED, "ticket_number")),
    (REOPENED, attempt_consented(REOPENED, "refused")),
    (REOPENED, question_answered(2, REOPENED, False, "ticket_number", "")),
    (REOPENED, calls.call_finish(REOPENED, "hangup", None, None, None)),
)


def _placed(db: Connection) -> None:
    """Two cases are solved, and both customers' telephones ring."""
    for number, channel in (("13820220001", SOLVED), ("13820220002", REOPENED)):
        ticket = case(db, number)
        request_confirmation(db, ticket.id, MORNING)
        dial(db, request_of(db, ticket.id), channel, MORNING)


def _records(*, again: bool) -> list[Record]:
    made = [
        Record(unit, START + timedelta(seconds=number), call_id)
        for number, (call_id, unit) in enumerate(STORY)
    ]
    return [Record.from_bytes(record.as_bytes()) for record in made] if again else made


async def _held(db: Database) -> dict[str, Any]:
    def look(connection: Connection) -> dict[str, Any]:
        names = ("confirmations", "outbound_requests", "outbound_attempts")
        tables = [schema.metadata.tables[name] for name in names]
        return contents(connection) | {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables
        }

    return await db.read(look)


async def test_repeated_story_changes_nothing_wherever_the_repetition_begins(db: Database) -> None:
    await db.write(_placed)
    await db.write(apply, _records(again=False))
    before = await _held(db)
    assert len(before["confirmations"]) == 2
    story = _records(again=True)
    for begin in range(len(story)):
        await db.write(apply, story[begin:])
        assert await _held(db) == before, STORY[begin][1].kind.name


@pytest.mark.parametrize("committed", range(1, len(STORY)))
async def test_repetition_of_a_half_told_story_tells_the_other_half_once(
    db: Database, committed: int
) -> None:
    await db.write(_placed)
    await db.write(apply, _records(again=False)[:committed])
    for _ in range(2):
        await db.write(apply, _records(again=True))
    held = await _held(db)
    told = [entry[2] for entry in held["timeline"]]
    assert told.count("ticket.confirmed") == told.count("ticket.reopened") == 1
    assert told.count("call.ended") == len(held["confirmations"]) == 2
