"""Every database is brought to the present schema, whoever starts first."""

import asyncio
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.exc
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from desk import journal, recordings, tickets, timeline
from desk.db import migrate
from desk.db.engine import Database
from desk.db.schema import REVISION, metadata
from desk.errors import DatabaseError, SchemaMismatch
from tests.rig.samples import count, sql


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """The index of words is made by the scripts alone: each database has its own kind."""
    return kind != "table" or name is None or not name.startswith("ticket_index")


def differences(db: Connection) -> list[Any]:
    context = MigrationContext.configure(db, opts={"compare_type": True, "include_name": ours})
    return compare_metadata(context, metadata)


def checks(db: Connection) -> set[str | None]:
    found = inspect(db)
    return {
        check["name"] for table in metadata.tables for check in found.get_check_constraints(table)
    }


async def test_the_scripts_make_exactly_the_tables_that_the_program_uses(db: Database) -> None:
    assert await db.read(differences) == []
    assert await db.read(checks) >= {
        "ck_recordings_state",
        "ck_deliveries_state",
        "ck_calls_direction",
        "ck_callbacks_state",
        "ck_tickets_status",
        "ck_tickets_closed",
        "ck_tickets_void",
        "ck_tickets_merged",
        "ck_confirmations_override",
        "ck_handovers_state",
        "ck_ticket_links_kind",
    }


def test_the_programs_revision_is_the_newest_script() -> None:
    scripts = ScriptDirectory(str(migrate.SCRIPTS))
    assert scripts.get_current_head() == REVISION


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    assert await asyncio.to_thread(migrate.upgrade, empty_database_url) == REVISION
    assert await asyncio.to_thread(migrate.upgrade, empty_database_url) == REVISION
    assert await asyncio.to_thread(migrate.current, empty_database_url) == REVISION


async def test_processes_that_start_at_once_do_not_disturb_each_other(
    empty_database_url: str,
) -> None:
    def upgrade() -> subprocess.CompletedProcess[str]:
        code = "import sys; from desk.db import migrate; print(migrate.upgrade(sys.argv[1]))"
        return subprocess.run(
            [sys.executable, "-c", code, empty_database_url],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    done = await asyncio.gather(*(asyncio.to_thread(upgrade) for _ in range(3)))
    assert [(run.stdout.strip(), run.stderr) for run in done] == [(REVISION, "")] * 3


async def test_a_database_of_a_newer_version_is_refused_untouched(
    db: Database, database_url: str
) -> None:
    await sql(db, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer"):
        await Database.open(database_url)
    assert await asyncio.to_thread(migrate.current, database_url) == "9999"


def test_looking_at_a_database_that_is_not_there_does_not_make_one(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    assert migrate.current(f"sqlite:///{file}") is None
    assert not file.exists()


def test_opening_a_current_database_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    migrate.upgrade(url)
    code = (
        "import sys; from desk.db import migrate; migrate.upgrade(sys.argv[1]); "
        "print('alembic' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, url], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "False"


FIRST = """
INSERT INTO calls VALUES ('c1', '400', '022', 'landline', '+8622', '天津', '天津', '022', '[]',
    '[]', 'menu', '{}', :now, :now, NULL, NULL, 1);
INSERT INTO tickets VALUES (1, 'complaint', '投诉', '不制冷', 'accepted', '[]', '022', 'landline',
    '+8622', '天津', '天津', '022', '[]', NULL, '[]', 'c1', :now, :now, 1);
INSERT INTO recordings VALUES (4, 'c1', 'm4', 'message', '/m4', 4.5, 'ab', 'transcribed', :now);
INSERT INTO recordings VALUES (7, 'c1', 'm7', 'message', '/m7', 7.5, 'cd', 'recorded', :now);
INSERT INTO transcripts VALUES (4, '不制冷', '[]', 'vosk', :now);
INSERT INTO timeline VALUES (1, :now, 'x', 'c1', 1, NULL, 'system', '{}', '00', 'aa', 'bb');
UPDATE timeline_head SET seq = 1, hash = 'bb';
INSERT INTO outbox VALUES (1, 'ticket:1');
INSERT INTO deliveries VALUES (1, 1, 'crm', 'ticket:1', 'pending', 0, :now, '', :now);
"""


async def _first_version(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database as the first version of the program left it, in use."""

    def fill(db: Connection) -> str:
        migrate.run_scripts(db, "0001")
        now = "2026-11-22T01:02:03.000004+00:00"
        for statement in FIRST.strip().split(";\n"):
            db.exec_driver_sql(statement.rstrip(";").replace(":now", f"'{now}'"))
        return "0001"

    monkeypatch.setattr(migrate, "_upgrade", fill)
    await asyncio.to_thread(migrate.upgrade, url)
    monkeypatch.undo()


async def test_a_database_in_use_is_upgraded_with_all_that_is_in_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _first_version(empty_database_url, monkeypatch)
    async with await Database.open(empty_database_url) as db:
        call = await db.read(journal.get, "c1")
        assert call is not None
        assert (call.stage, call.ticket_id, call.direction) == ("menu", 1, "inbound")
        ticket = await db.read(tickets.get, 1)
        assert ticket is not None
        assert (ticket.description, ticket.summary, ticket.found) == ("不制冷", "", {})
        first, second = await db.read(recordings.of_call, "c1")
        assert (first.id, first.state, first.seconds) == (4, "transcribed", 4.5)
        assert (second.id, second.name, second.party) == (7, "m7", "")
        told = await db.read(recordings.transcript_of, 4)
        assert told is not None
        assert told.text == "不制冷"
        assert [(e.seq, e.call_id) for e in await db.read(timeline.entries_after, 0, 9)] == [
            (1, "c1")
        ]
        assert await db.read(count, "deliveries") == 1
        assert await db.read(differences) == []
        await sql(db, "UPDATE recordings SET state = 'skipped' WHERE id = 7")
        with pytest.raises(sqlalchemy.exc.IntegrityError):
            await sql(db, "UPDATE recordings SET state = 'lost' WHERE id = 7")
        for statement in (
            "DELETE FROM recordings WHERE id = 4",
            "INSERT INTO transcripts SELECT 99, text, words, engine, at FROM transcripts",
            "INSERT INTO talks VALUES ('leg', 'nobody', '8001', '', '2026-01-01', NULL, NULL)",
        ):
            with pytest.raises(sqlalchemy.exc.IntegrityError):  # references are still enforced
                await sql(db, statement)


async def test_the_version_before_goes_on_writing_during_a_rolling_restart(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _first_version(empty_database_url, monkeypatch)
    async with await Database.open(empty_database_url) as db:
        await sql(
            db,
            "INSERT INTO recordings (id, call_id, name, kind, path, seconds, sha256, state,"
            " recorded_at) SELECT 8, call_id, 'm8', kind, path, seconds, sha256, 'recorded',"
            " recorded_at FROM recordings WHERE id = 7",
        )
        await sql(
            db,
            "INSERT INTO calls (id, dialled, caller_id, caller_kind, e164, province, city,"
            " area_code, cities, customer_ids, stage, stage_state, stage_at, received_at)"
            " SELECT 'c2', dialled, caller_id, caller_kind, e164, province, city, area_code,"
            " cities, customer_ids, stage, stage_state, stage_at, received_at FROM calls",
        )
        recording = await db.read(recordings.get, 8)
        assert recording is not None
        assert (recording.party, recording.encrypted, recording.deleted_at) == ("", False, None)
        call = await db.read(journal.get, "c2")
        assert call is not None
        assert call.direction == "inbound"


async def test_ids_of_recordings_that_are_gone_stay_used_after_an_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    await _first_version(url, monkeypatch)
    with sqlite3.connect(tmp_path / "desk.db") as file:
        file.execute("DELETE FROM recordings WHERE id = 7")
    file.close()
    async with await Database.open(url) as db:
        new = recordings.NewRecording("c1", "m9", "/m9", 1.0, "ef")
        now = datetime(2026, 11, 22, tzinfo=UTC)
        assert await db.write(recordings.add, new, now) == 8


async def test_a_damaged_database_is_not_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    await _first_version(url, monkeypatch)
    with sqlite3.connect(tmp_path / "desk.db") as file:
        file.execute("DELETE FROM recordings WHERE id = 4")  # a transcript refers to it
    file.close()
    with pytest.raises(DatabaseError, match="transcripts refers to rows of recordings"):
        await Database.open(url)
    assert await asyncio.to_thread(migrate.current, url) == "0001"
