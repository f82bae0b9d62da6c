"""PostgreSQL: asyncpg under SQLAlchemy, the same synchronous work through `run_sync`.

Writers of the timeline queue at its head row, so `seq` follows commit order as on SQLite.
Deadlocks and serialisation failures are repeated a few times; they leave nothing behind.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import structlog
from sqlalchemy import URL, Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from desk.db.commits import Commits
from desk.errors import (
    DatabaseBusy,
    DatabaseClosed,
    DatabaseError,
    DatabaseOverloaded,
    DatabaseUnavailable,
)

log = structlog.get_logger()

CHANNEL = "huisheng_timeline"
POOL = 8
BOUND = 10_000  # units that may wait for a connection
ATTEMPTS = 6
_REPEAT = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_BUSY = {"55P03", "57014"}  # lock_not_available, query_canceled (statement_timeout)
_ASYNCPG = (asyncpg.PostgresError, asyncpg.InterfaceError)  # SQLAlchemy wraps none on connecting
_NOTIFY = text("SELECT pg_notify(:channel, :seq)")


def postgres_url(url: str) -> URL:
    """The same address with the driver that we use."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def postgres_engine(url: str, wait_seconds: float, pool: int = POOL) -> AsyncEngine:
    """An engine on which nothing waits longer than `wait_seconds`."""
    milliseconds = str(int(wait_seconds * 1000))
    return create_async_engine(
        postgres_url(url),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=wait_seconds,
        connect_args={
            "timeout": wait_seconds,
            "command_timeout": wait_seconds + 1,  # the server's own limits come first
            "server_settings": {
                "application_name": "huisheng",
                "timezone": "UTC",
                "lock_timeout": milliseconds,
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
            },
        },
    )


class PostgresBackend:
    """The edge between the event loop and a PostgreSQL server."""

    dialect = "postgresql"

    def __init__(self, url: str, wait_seconds: float, commits: Commits) -> None:
        self._url = url
        self._wait_seconds = wait_seconds
        self._commits = commits
        self._engine = postgres_engine(url, wait_seconds)
        self._listening: asyncio.Task[None] | None = None
        self._waiting = 0
        self._closed = False

    async def start(self) -> None:
        """Connect, and listen for commits of other processes."""
        try:
            async with self._engine.connect():
                pass
        except Exception as error:
            await self._engine.dispose()
            raise typed(error, self._wait_seconds) from error
        self._listening = asyncio.create_task(self._listen(), name="huisheng-db-listen")

    @property
    def waiting(self) -> int:
        """Units under way or waiting for a connection."""
        return self._waiting

    async def write(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a unit in a transaction of its own; repeat it after a deadlock."""
        return await self._bounded(self._write(work, args, kwargs))

    async def read(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a unit in a read-only transaction that sees one moment."""
        return await self._bounded(self._read(work, args, kwargs))

    async def aclose(self) -> None:
        """Stop listening and close the connections."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._engine.dispose()

    async def _bounded(self, doing: Any) -> Any:
        if self._closed:
            doing.close()
            raise DatabaseClosed("the database is closed; open it before giving it work")
        if self._waiting >= BOUND:
            doing.close()
            raise DatabaseOverloaded(
                f"{BOUND} units of work already wait for the database; try again in a moment"
            )
        self._waiting += 1
        deadline = asyncio.timeout(self._wait_seconds)
        try:
            async with deadline:
                return await doing
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise DatabaseBusy(
                f"the database did not confirm within {self._wait_seconds:g} s; "
                "the change may still take effect"
            ) from error
        except (DBAPIError, PoolTimeout, OSError, *_ASYNCPG) as error:
            raise typed(error, self._wait_seconds) from error
        finally:
            self._waiting -= 1

    async def _write(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._write_once(work, args, kwargs)
            except DBAPIError as error:
                if sqlstate(error) not in _REPEAT or attempt == ATTEMPTS:
                    raise
                log.info("transaction repeated", reason=sqlstate(error), attempt=attempt)
            # Jitter parts the two that met; the whole stays within the unit's deadline.
            await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311

    async def _write_once(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        async with self._engine.connect() as connection, connection.begin():
            result, advanced = await connection.run_sync(_run, work, args, kwargs)
        if advanced:
            self._commits.announce()
        return result

    async def _read(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        async with self._engine.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            return await connection.run_sync(work, *args, **kwargs)

    async def _listen(self) -> None:
        """Hold one connection that hears NOTIFY; reconnect, with growing pauses, for ever."""
        pause = 0.5
        while True:
            try:
                connection = await asyncpg.connect(plain_url(self._url), timeout=self._wait_seconds)
                try:
                    gone = asyncio.Event()
                    connection.add_termination_listener(lambda _connection, gone=gone: gone.set())
                    await connection.add_listener(CHANNEL, self._notified)
                    pause = 0.5
                    self._commits.announce()  # something may have happened before we listened
                    await gone.wait()
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("not listening for commits of other processes", error=str(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, 30)

    def _notified(self, *_message: object) -> None:
        self._commits.announce()


def plain_url(url: str) -> str:
    """The same address as asyncpg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(
    connection: Connection, work: Callable[..., Any], args: Any, kwargs: Any
) -> tuple[Any, bool]:
    connection.info.pop("advanced", None)
    result = work(connection, *args, **kwargs)
    seq = connection.info.pop("advanced", None)
    if seq is not None:
        connection.execute(_NOTIFY, {"channel": CHANNEL, "seq": str(seq)})
    return result, seq is not None


def sqlstate(error: BaseException) -> str:
    """The five-character code of PostgreSQL, or `""`."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def typed(error: Exception, wait_seconds: float) -> Exception:
    """The server's complaint as an error with a mend; anything else as it is."""
    state = sqlstate(error)
    if state in _REPEAT or state in _BUSY or isinstance(error, PoolTimeout):
        return DatabaseBusy(
            f"PostgreSQL is busy: no lock or connection within {wait_seconds:g} s; try again"
        )
    if state.startswith(("53", "58")):
        return DatabaseUnavailable(
            f"PostgreSQL is out of disk, memory or connections, or its disk fails ({state}: "
            f"{error}); mend the server"
        )
    if state == "25006":
        return DatabaseUnavailable("PostgreSQL is read-only (a standby?); see database.url")
    if state.startswith("XX"):
        return DatabaseError(
            f"PostgreSQL failed inside ({state}: {error}); if it tells of damage, restore a backup"
        )
    # A connection that ends just as a unit starts is a muddle to the driver: an InternalError
    # of its own, which no server sent.
    if state.startswith(("08", "57P", "25P03")) or isinstance(
        error, OSError | InterfaceError | InternalError
    ):
        return DatabaseUnavailable(f"PostgreSQL cannot be reached ({error}); is it running?")
    if state.startswith(("28", "3D", "55000")) or isinstance(
        error, OperationalError | asyncpg.InterfaceError
    ):
        return DatabaseUnavailable(f"PostgreSQL refuses us ({error}); see database.url")
    return error
