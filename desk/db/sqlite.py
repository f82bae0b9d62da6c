"""SQLite: one writer thread with group commit, a few reader threads, all on one WAL file.

The writer takes every waiting unit, runs each in its own SAVEPOINT, commits once, and only then
reports: one fsync serves the whole batch, which makes `synchronous=FULL` affordable.
docs/decisions/0006-database.md has the measurements.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from desk.db.commits import Commits
from desk.db.lane import Handler, Lane, Unit
from desk.errors import DatabaseBusy, DatabaseError, DatabaseUnavailable

READERS = 2
MOST_PER_COMMIT = 128
LOCK_ATTEMPT_MS = 250  # one try for the write lock; between tries, abandoned units are dropped
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_UNWRITABLE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
E = TypeVar("E", bound=BaseException)
log = structlog.get_logger()


class SqliteBackend:
    """The edge between the event loop and an SQLite file."""

    dialect = "sqlite"

    def __init__(self, url: str, wait_seconds: float, commits: Commits) -> None:
        loop = asyncio.get_running_loop()
        path = sqlite_path(url)
        self._writer = Lane(
            "huisheng-db-write",
            lambda: _open_writer(path),
            commits.announce,
            loop,
            wait_seconds,
            batch=MOST_PER_COMMIT,
        )
        self._readers = Lane(
            "huisheng-db-read",
            lambda: _open_reader(path),
            commits.announce,
            loop,
            wait_seconds,
            threads=READERS,
        )

    async def start(self) -> None:
        """Start the threads, which open the file."""
        await self._writer.start()
        await self._readers.start()

    @property
    def waiting(self) -> int:
        """Units that wait for a thread."""
        return self._writer.waiting + self._readers.waiting

    async def write(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a unit in the writer."""
        return await self._writer.submit(work, args, kwargs)

    async def read(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a unit in a reader; it sees what was committed when it started."""
        return await self._readers.submit(work, args, kwargs)

    async def aclose(self) -> None:
        """Finish what waits and close the file."""
        await self._readers.aclose()
        await self._writer.aclose()


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///path` URL."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise DatabaseError(f"{url} names no file; use sqlite:////folder/huisheng.db")
    return Path(name)


def sqlite_engine(path: Path, *, lock_ms: int = LOCK_ATTEMPT_MS) -> Engine:
    """An engine for the file, which is made readable to us alone. Its transactions are to be
    started with `begin`: an engine event would do that too, but costs every statement time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only a file that is not there is opened by us: closing a descriptor of a database drops
        # every POSIX lock that this process has on it, and another process would then take our
        # write-ahead log for an abandoned one and delete it (sqlite.org/howtocorrupt.html, 2.2).
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUnavailable(
            f"{path} cannot be opened for writing ({error.strerror}); mend its folder's owner "
            "and rights, or set database.url"
        ) from error
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={
            "isolation_level": None,  # transactions are ours to begin
            "check_same_thread": False,
            "timeout": lock_ms / 1000,
        },
        query_cache_size=2000,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        _configure(connection)

    return engine


def _configure(connection: sqlite3.Connection) -> None:
    # Two processes that open a new file at once may both find the switch to WAL locked,
    # and SQLite does not wait for that by itself.
    for attempt in range(40):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _PASSING or attempt == 39:
                raise
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_size_limit=67108864")
    connection.execute("PRAGMA cache_size=-16384")
    connection.execute("PRAGMA temp_store=MEMORY")


def begin(connection: Connection, how: str = "IMMEDIATE") -> RootTransaction:
    """Start a transaction, by default with the write lock.

    Raises:
        sqlite3.OperationalError: the lock is taken.
    """
    _driver(connection).execute(f"BEGIN {how}")
    return connection.begin()


def enforce_references(connection: Connection, yes: bool) -> None:
    """Have foreign keys enforced on this connection, or not. Not inside a transaction."""
    _driver(connection).execute(f"PRAGMA foreign_keys={'ON' if yes else 'OFF'}")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


class _Session:
    """A connection whose transactions are begun and ended at the driver: SQLAlchemy's own way
    costs a unit more than SQLite's. To SQLAlchemy it is one transaction that never ends.
    """

    def __init__(self, path: Path, *, reads: bool) -> None:
        self._reads = reads
        self._engine = sqlite_engine(path)
        self._open()

    def _open(self) -> None:
        self.connection = self._engine.connect()
        self.connection.begin()
        self.driver = _driver(self.connection)
        if self._reads:
            self.driver.execute("PRAGMA query_only=ON")

    def begin(self) -> None:
        """Start a transaction; the writer's takes the write lock.

        Raises:
            sqlite3.Error, DBAPIError: the lock is taken, or the file cannot be used at present.
        """
        if self.connection.closed:
            self._open()
        self.connection.info.pop("advanced", None)
        self.driver.execute("BEGIN DEFERRED" if self._reads else "BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End it and keep what it did."""
        self.driver.execute("COMMIT")

    def rollback(self) -> None:
        """End it, if SQLite has not done so by itself, and keep nothing. Never raises."""
        try:
            if self.driver.in_transaction:
                self.driver.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.warning("the database file is to be opened anew", error=str(error))
            self.connection.invalidate(error)
            self.connection.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
        self._engine.dispose()


def _open_writer(path: Path) -> tuple[Handler, Callable[[], None]]:
    session = _Session(path, reads=False)
    return lambda units: _commit_together(session, units), session.close


def _open_reader(path: Path) -> tuple[Handler, Callable[[], None]]:
    session = _Session(path, reads=True)
    return lambda units: _read(session, units), session.close


def _read(session: _Session, units: list[Unit]) -> bool:
    for unit in units:
        if unit.abandoned:
            continue
        try:
            session.begin()
            unit.run(session.connection)
            session.commit()
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            session.rollback()
            unit.fail(typed(error))
    return False


def _commit_together(session: _Session, units: list[Unit]) -> bool:
    """One transaction for all units. A unit that fails leaves nothing and disturbs no other."""
    while True:
        if all(unit.abandoned for unit in units):
            return False
        try:
            session.begin()
            break
        except (sqlite3.Error, DBAPIError) as error:
            if _code(error) in _PASSING:
                continue  # each try waits for the lock; a unit's own deadline ends this
            return _fail(units, error)
    try:
        wanted = [unit for unit in units if not unit.abandoned]
        if len(wanted) == 1:
            wanted[0].run(session.connection)  # its savepoint would be the whole transaction
        else:
            for unit in wanted:
                _run_in_savepoint(session, unit)
        session.commit()
    except BaseException as error:  # noqa: BLE001 - it is every caller's
        session.rollback()
        return _fail(units, error)
    return session.connection.info.pop("advanced", None) is not None


def _run_in_savepoint(session: _Session, unit: Unit) -> None:
    session.driver.execute("SAVEPOINT unit")
    try:
        unit.run(session.connection)
    except BaseException as error:
        if not session.driver.in_transaction:
            raise  # a full or broken disk: SQLite has undone the whole transaction
        session.driver.execute("ROLLBACK TO unit")
        unit.fail(typed(error))
    session.driver.execute("RELEASE unit")


def _fail(units: list[Unit], error: BaseException) -> bool:
    for unit in units:
        unit.fail(typed(error))
    return False


def _code(error: BaseException) -> int:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF


def typed(error: E) -> E | DatabaseError:
    """SQLite's complaint as an error with a mend; anything else as it is."""
    code = _code(error)
    if code in _PASSING:
        return DatabaseBusy("the database file is locked by another process; try again")
    if code == sqlite3.SQLITE_FULL:
        return DatabaseUnavailable("the disk is full: nothing can be recorded; free some space")
    if code == sqlite3.SQLITE_NOMEM or isinstance(error, MemoryError):
        return DatabaseUnavailable("no memory is left for the database; free some")
    if code in _UNWRITABLE:
        return DatabaseUnavailable(f"the database file cannot be written ({error}); see the disk")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseError(f"the database file is damaged ({error}); restore it from a backup")
    return error
