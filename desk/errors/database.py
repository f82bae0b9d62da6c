"""What goes wrong with the database."""

from desk.errors.kinds import DeskError


class DatabaseError(DeskError):
    """The database refused or failed. The unit of work left nothing behind unless it says so."""

    error_id = "database-failed"


class DatabaseBusy(DatabaseError):  # noqa: N818 - a state, named as operators name it
    """The deadline passed while waiting for a lock, the disk or a connection."""

    error_id = "database-busy"
    retryable = True


class DatabaseOverloaded(DatabaseError):  # noqa: N818
    """More work is waiting than the bound allows; nothing was queued."""

    error_id = "database-overloaded"
    retryable = True


class DatabaseUnavailable(DatabaseError):  # noqa: N818
    """The database cannot be reached or written at present (server down, disk full, file lost)."""

    error_id = "database-unavailable"
    retryable = True


class DatabaseClosed(DatabaseError):  # noqa: N818
    """Work was given to a database that has been closed."""

    error_id = "database-closed"


class SchemaMismatch(DatabaseError):  # noqa: N818
    """The database was made by another version of Huisheng."""

    error_id = "schema-mismatch"
