"""Brings a database to the present schema. Safe when several processes start at once.

Alembic's scripts lie in `desk/db/migrations` and travel with the package. Alembic itself is
imported only when there is something to do: an up-to-date database costs one query.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from desk.db import postgres, sqlite
from desk.db.schema import REVISION
from desk.errors import DatabaseError, SchemaMismatch

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = text("SELECT pg_advisory_xact_lock(400400400)")
_CURRENT = text("SELECT version_num FROM alembic_version")
T = TypeVar("T")


def upgrade(url: str, *, wait_seconds: float = 30) -> str:
    """Make or upgrade the tables in one transaction; returns the revision.

    Blocking, and not to be called inside a running event loop (use a thread).

    Raises:
        SchemaMismatch: the database is of a newer version than this program.
        DatabaseError: it cannot be opened or locked.
    """
    if current(url, wait_seconds=wait_seconds) == REVISION:
        return REVISION
    return _in_transaction(url, _upgrade, wait_seconds)


def current(url: str, *, wait_seconds: float = 30) -> str | None:
    """The revision that the database is at; None for an empty one. Blocking, as `upgrade`."""
    if url.startswith("sqlite:") and not sqlite.sqlite_path(url).exists():
        return None
    return _in_transaction(url, _revision, wait_seconds)


def run_scripts(connection: Connection, revision: str = "head") -> None:
    """Run Alembic's scripts up to `revision` in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _upgrade(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)  # SQLite's transaction begins with the write lock
    found = _revision(connection)
    if found == REVISION:
        return found
    if found is not None and not any((SCRIPTS / "versions").glob(f"{found}_*.py")):
        raise SchemaMismatch(
            f"the database is at revision {found}, which this version does not know; "
            "it was used by a newer Huisheng: install that, or restore a backup"
        )
    run_scripts(connection)
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise DatabaseError(
                f"table {broken[0]} refers to rows of {broken[2]} that are not there, so it was "
                "not upgraded; restore a backup"
            )
    return REVISION


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(_CURRENT).scalar()
    return found


def _in_transaction(url: str, work: Callable[[Connection], T], wait_seconds: float) -> T:
    if not url.startswith("sqlite:"):
        return asyncio.run(_on_postgres(url, work, wait_seconds))
    how = "IMMEDIATE" if work is _upgrade else "DEFERRED"
    engine = sqlite.sqlite_engine(sqlite.sqlite_path(url), lock_ms=int(wait_seconds * 1000))
    try:
        with engine.connect() as connection:
            # A table may be rebuilt under its name only while nothing enforces references to it;
            # SQLite ignores this switch inside a transaction.
            sqlite.enforce_references(connection, work is not _upgrade)
            with sqlite.begin(connection, how):
                return work(connection)
    except Exception as error:
        typed = sqlite.typed(error)
        if typed is error:
            raise
        raise typed from error
    finally:
        engine.dispose()


async def _on_postgres(url: str, work: Callable[[Connection], T], wait_seconds: float) -> T:
    engine = postgres.postgres_engine(url, wait_seconds, pool=1)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except (DBAPIError, OSError, TimeoutError) as error:
        typed = postgres.typed(error, wait_seconds)
        if typed is error:
            raise
        raise typed from error
    finally:
        await engine.dispose()
