"""`Database`: where asynchronous code hands synchronous units of work to the database.

A unit of work is a plain function `work(connection, …)` over a SQLAlchemy Core connection. It
runs in one transaction, which is committed before `write` returns and undone if it raises. It
may be repeated (deadlock on PostgreSQL), so it changes nothing but the database, and it neither
commits nor rolls back by itself.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

from sqlalchemy import Connection

from desk.db import migrate
from desk.db.commits import Commits, Subscription
from desk.db.postgres import PostgresBackend
from desk.db.sqlite import SqliteBackend

P = ParamSpec("P")
T = TypeVar("T")


class _Backend(Protocol):
    dialect: str

    async def start(self) -> None: ...
    async def write(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any: ...
    async def read(self, work: Callable[..., Any], args: Any, kwargs: Any) -> Any: ...
    async def aclose(self) -> None: ...
    @property
    def waiting(self) -> int: ...


class Database:
    """An open database. Belongs to the event loop in which it was opened."""

    def __init__(self, backend: _Backend, commits: Commits) -> None:
        self._backend = backend
        self._commits = commits

    @classmethod
    async def open(cls, url: str, *, wait_seconds: float = 30) -> Self:
        """Bring the schema up to date and open.

        Args:
            url: `sqlite:////folder/file.db` or `postgresql://user@host/name`.
            wait_seconds: the longest wait for anything: a lock, a connection, a unit's result.

        Raises:
            DatabaseError: it cannot be opened, or was made by a newer version.
        """
        await asyncio.to_thread(migrate.upgrade, url, wait_seconds=wait_seconds)
        commits = Commits()
        backend: _Backend
        if url.startswith("sqlite:"):
            backend = SqliteBackend(url, wait_seconds, commits)
        else:
            backend = PostgresBackend(url, wait_seconds, commits)
        await backend.start()
        return cls(backend, commits)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` in one transaction; return when it is committed and safe on the disk.

        A cancelled caller's unit may or may not take effect.

        Raises:
            DatabaseError: see its kinds; `retryable` says whether to try again.
            Exception: whatever `work` raises; nothing of it is kept.
        """
        result: T = await self._backend.write(work, args, kwargs)
        return result

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work`, which only reads, on one consistent state of the database."""
        result: T = await self._backend.read(work, args, kwargs)
        return result

    def subscribe(self) -> Subscription:
        """Be woken after each commit that appended to the timeline. Close it when done."""
        return self._commits.subscribe()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._backend.dialect

    @property
    def waiting(self) -> int:
        """Units of work that wait; a figure for metrics."""
        return self._backend.waiting

    async def aclose(self) -> None:
        """Finish what waits and close. Closing twice is harmless."""
        await self._backend.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
