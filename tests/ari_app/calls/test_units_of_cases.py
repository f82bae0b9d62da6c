"""What callers with a case press, written again on a real desk: nothing is confirmed, asked or
counted twice, wherever a crash tears the story.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from ari_app.calls.journal import records as calls
from ari_app.calls.journal.units import Record, Unit, apply, unit
from ari_app.calls.repeat.records import (
    repeat_answered,
    repeat_joined,
    repeat_left,
    repeat_told,
)
from ari_app.calls.survey import survey_answered
from desk import surveys
from desk.db import schema
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import locate
from tests.ari_app.calls.journal_rig import contents
from tests.desk.surveys.policies import MOBILE, POLICY, resolved
from tests.rig.samples import NOW

ID, OTHER = "huisheng-1.1", "huisheng-1.2"
CALLER = locate(MOBILE, "022")
CASE, ELSE = 1, 2
SETTINGS: dict[str, Any] = POLICY.settings.model_dump(mode="json")
START = NOW + timedelta(hours=2)


@unit("test.asked")
def asked(db: Connection, now: datetime, call_id: str) -> None:
    """The line asks at once, not by way of the journal."""
    surveys.ask_by_key(db, call_id, POLICY, now)


STORY: tuple[tuple[str, Unit[Any]], ...] = (
    (ID, calls.call_begin(NewCall(ID, "4001234567", CALLER.input, CALLER))),
    (ID, repeat_told(ID, CASE, "resolved")),
    (ID, repeat_joined(ID, CASE)),
    (ID, repeat_answered(ID, CASE, 1, True, "pressed")),
    (ID, asked(ID)),
    (ID, survey_answered(ID, 1, SETTINGS)),
    (ID, calls.call_finish(ID, "completed", None, None, None)),
    (OTHER, calls.call_begin(NewCall(OTHER, "4001234567", CALLER.input, CALLER))),
    (OTHER, repeat_told(OTHER, ELSE, "resolved")),
    (OTHER, repeat_left(OTHER, ELSE, "person")),
    (OTHER, repeat_answered(OTHER, ELSE, 1, False, "ticket_number")),
    (OTHER, calls.call_finish(OTHER, "hangup", None, None, None)),
)
KINDS = [
    *("call.received", "case.told", "ticket.joined", "ticket.confirmed", "survey.asked"),
    *("survey.answered", "ticket.reopened", "notice.sent", "call.ended"),
    *("call.received", "case.told", "ticket.joined", "case.left", "ticket.reopened"),
    "call.ended",
]


def _cases(db: Connection) -> None:
    resolved(db, "old1")
    resolved(db, "old2")


def _records(*, again: bool) -> list[Record]:
    made = [
        Record(unit, START + timedelta(seconds=number), call_id)
        for number, (call_id, unit) in enumerate(STORY)
    ]
    return [Record.from_bytes(record.as_bytes()) for record in made] if again else made


async def _held(db: Database) -> dict[str, Any]:
    def look(connection: Connection) -> dict[str, Any]:
        tables = [
            schema.metadata.tables[name] for name in ("confirmations", "surveys", "progress_calls")
        ]
        return contents(connection) | {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables
        }

    return await db.read(look)


async def test_repeated_story_changes_nothing_wherever_the_repetition_begins(db: Database) -> None:
    await db.write(_cases)
    await db.write(apply, _records(again=False))
    before = await _held(db)
    assert len(before["confirmations"]) == 2
    story = _records(again=True)
    for begin in range(len(story)):
        await db.write(apply, story[begin:])
        assert await _held(db) == before, STORY[begin][1].kind.name


@pytest.mark.parametrize("committed", range(1, len(STORY), 2))
async def test_repetition_of_a_half_told_story_tells_the_other_half_once(
    db: Database, committed: int
) -> None:
    await db.write(_cases)
    first = len((await _held(db))["timeline"])
    await db.write(apply, _records(again=False)[:committed])
    story = _records(again=True)
    for _ in range(2):
        await db.write(apply, story)
    told = (await _held(db))["timeline"][first:]
    assert [entry[2] for entry in told] == KINDS


async def test_a_key_that_comes_late_confirms_nothing(db: Database) -> None:
    """The desk was away; meanwhile somebody else has reopened and solved the case again."""
    await db.write(_cases)
    await db.write(apply, _records(again=False)[:2])
    await db.write(apply, [Record(repeat_answered(ID, CASE, 2, True, "pressed"), START, ID)])
    assert (await _held(db))["confirmations"] == []
