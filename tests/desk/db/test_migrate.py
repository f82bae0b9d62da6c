"""Every database is brought to the present schema, whoever starts first."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from desk.db import migrate
from desk.db.engine import Database
from desk.db.schema import REVISION, metadata
from desk.errors import SchemaMismatch
from tests.rig.samples import sql


def differences(db: Connection) -> list[Any]:
    context = MigrationContext.configure(db, opts={"compare_type": True})
    return compare_metadata(context, metadata)


def checks(db: Connection) -> set[str | None]:
    found = inspect(db)
    return {
        check["name"] for table in metadata.tables for check in found.get_check_constraints(table)
    }


async def test_the_scripts_make_exactly_the_tables_that_the_program_uses(db: Database) -> None:
    assert await db.read(differences) == []
    assert await db.read(checks) >= {"ck_recordings_state", "ck_deliveries_state"}


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
