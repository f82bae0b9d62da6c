"""Whose fault it is when a reaction fails: the entry's, or the database's at that moment."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from desk.db import postgres, sqlite
from desk.errors import DatabaseError


def passing(db: Connection, error: Exception) -> bool:
    """Whether the database failed (lock, deadlock, disk, connection, memory), so that the same
    reaction may succeed later, and nothing of this transaction can be kept."""
    if isinstance(error, DatabaseError | MemoryError):
        return True
    if db.dialect.name == "sqlite":
        driver: Any = db.connection.driver_connection
        # A full or broken disk: SQLite has undone the whole transaction.
        return not driver.in_transaction or sqlite.typed(error) is not error
    return isinstance(error, DBAPIError) and postgres.typed(error, 0) is not error
