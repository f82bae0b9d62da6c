"""Every unit, written again on a real desk, changes nothing: neither alone nor with those before
and after it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from ari_app.calls.agent_records import agent_state
from ari_app.calls.call import Stage
from ari_app.calls.journal import records as calls
from ari_app.calls.journal import units
from ari_app.calls.journal.units import Record, Unit, apply
from ari_app.calls.talk.talk_records import (
    callback_requested,
    digested,
    heard,
    recorded,
    talk_began,
    talk_ended,
)
from desk.callbacks import NewCallback
from desk.db import schema
from desk.db.engine import Database
from desk.journal import NewCall
from desk.recordings import NewRecording
from desk.region import locate
from desk.talks import NewTalk
from desk.tickets import NewTicket
from desk.utterances import NewUtterance
from tests.ari_app.calls.journal_rig import CHOICE, START, contents
from tests.ari_app.calls.test_units_of_cases import STORY as OF_CASES
from tests.ari_app.calls.test_units_of_outbound import STORY as OUTBOUND

ID, LEG = "huisheng-1.1", "c-1"
CALLER = locate("02253456789", "022")
MESSAGE = NewRecording(ID, "message-1", "/m.wav", 3.0, "0" * 64)
PARTY = NewRecording(ID, "p-1", "/p.wav", 9.0, "1" * 64, kind="party", party="caller", leg=ID)
TICKET = NewTicket("complaint", "天津 投诉", call_id=ID, caller=CALLER, labels=("地区:天津",))
SAID = NewUtterance(ID, LEG, 1, "caller", START, 0.5, 1.5, "我要退款", (), 0.9, "vosk", True)
DIGEST = {"summary": "我要退款", "numbers": ["13812345678"], "order_ids": [], "engine": "rules"}

STORY: tuple[tuple[str, Unit[Any]], ...] = (
    ("", agent_state("8001", "ready", "")),
    (ID, calls.call_begin(NewCall(ID, "4001234567", CALLER.input, CALLER))),
    (ID, calls.call_enter(ID, Stage.MENU, {})),
    (ID, calls.call_chose(ID, CHOICE, {"walk": {"menu": "main"}})),
    (ID, calls.call_note(ID, "agent.rung", {"agent": "8001"})),
    ("", agent_state("8001", "busy", "")),
    (ID, talk_began(NewTalk(LEG, ID, "8001", START + timedelta(seconds=6)))),
    (ID, calls.call_enter(ID, Stage.TALK, {"talk": {"bridge": "b-1"}})),
    (ID, calls.call_note(ID, "agent.rung", {"agent": "8001"})),
    (ID, heard(SAID)),
    (ID, talk_ended(LEG, "hangup")),
    ("", agent_state("8001", "ready", "")),
    (ID, callback_requested(NewCallback(ID, CALLER.e164, {"team": "tianjin"}, START))),
    (ID, calls.call_keep(TICKET, MESSAGE)),
    (ID, recorded(PARTY)),
    (ID, calls.call_finish(ID, "completed", TICKET, MESSAGE, None)),
    (ID, digested(ID, DIGEST)),
)

KINDS = [
    *("agent.state", "call.received", "menu.chosen", "agent.rung", "agent.state"),
    *("agent.answered", "agent.rung", "utterance.added", "agent.left", "agent.state"),
    *("callback.requested", "ticket.opened", "recording.added", "recording.added"),
    *("call.ended", "digest.added"),
]


def _records(*, again: bool) -> list[Record]:
    """The story as records, by way of the spool if they are written again."""
    made = [
        Record(unit, START + timedelta(seconds=number), call_id)
        for number, (call_id, unit) in enumerate(STORY)
    ]
    return [Record.from_bytes(record.as_bytes()) for record in made] if again else made


async def _held(db: Database) -> dict[str, Any]:
    def look(connection: Connection) -> dict[str, Any]:
        more = ("agents", "talks", "utterances", "callbacks")
        tables = [schema.metadata.tables[name] for name in more]
        return contents(connection) | {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables
        }

    return await db.read(look)


def test_story_has_every_unit_there_is() -> None:
    told = {unit.kind.name for _, unit in (*STORY, *OF_CASES, *OUTBOUND)} - {"test.asked"}
    known = {name for name in units._KINDS if not name.startswith("test.")}
    assert told == known, "a unit that is not here may double something after a crash"


async def test_repeated_story_changes_nothing_wherever_the_repetition_begins(db: Database) -> None:
    await db.write(apply, _records(again=False))
    before = await _held(db)
    story = _records(again=True)
    for begin in range(len(story)):
        await db.write(apply, story[begin:])
        assert await _held(db) == before, STORY[begin][1].kind.name


@pytest.mark.parametrize("committed", range(1, len(STORY), 3))
async def test_repetition_of_a_half_told_story_tells_the_other_half_once(
    db: Database, committed: int
) -> None:
    await db.write(apply, _records(again=False)[:committed])
    story: Sequence[Record] = _records(again=True)
    for _ in range(2):
        await db.write(apply, story)
    told = (await _held(db))["timeline"]
    assert [entry[2] for entry in told] == KINDS
