"""The name under which a system serves a desk.

Several systems, an Asterisk and its processes each, may serve one desk on PostgreSQL. By the name
they tell whose a call is, so two of one name would take over each other's calls and end them. The
server holds the name for as long as the process lives, however it dies. (SQLite is for one system.)
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]

from desk.db.postgres import plain_url, typed
from desk.errors import Refused

_TAKE = "SELECT pg_advisory_lock_shared($1, $2)"
_OTHERS = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
      AND classid::bigint = $1 AND objid::bigint != $2 AND granted
"""
_SERVER = {  # a machine that is gone without a word keeps its name for two minutes
    "application_name": "huisheng",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "20",
    "tcp_keepalives_count": "3",
}


class NameTaken(Refused):
    """Another system serves the desk under this name."""

    error_id = "system-name-taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"another Asterisk serves this desk as {name!r}; give each system a name of its own: "
            "pbx.system_name in config.yaml"
        )
        self.name = name


@asynccontextmanager
async def named(url: str, name: str, mark: str, *, wait_seconds: float = 30) -> AsyncIterator[None]:
    """Hold the name for the length of the block. Any number of processes may, with one `mark`.

    Args:
        url: of the database; see `Database.open`.
        mark: what one Asterisk has and no other one.

    Raises:
        NameTaken: a process with another mark holds it.
        DatabaseError: the server does not answer.
    """
    if url.startswith("sqlite:"):
        yield
        return
    keys = _key(name), _key(mark)
    try:
        connection = await asyncpg.connect(
            plain_url(url), timeout=wait_seconds, server_settings=_SERVER
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise typed(error, wait_seconds) from error
    try:
        await connection.execute(_TAKE, *keys, timeout=wait_seconds)
        if await connection.fetchval(_OTHERS, *keys, timeout=wait_seconds):
            raise NameTaken(name)
        yield
    finally:
        connection.terminate()


def _key(text: str) -> int:
    """A number that the server's locks can have, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
