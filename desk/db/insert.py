"""`INSERT … ON CONFLICT DO NOTHING`, which both databases have and SQLAlchemy spells twice."""

from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert


def insert_unless_there(db: Connection, table: Table) -> Insert:
    """An insert that does nothing (rowcount 0) when a unique key is taken."""
    return _statement(db.dialect.name, table)


@cache
def _statement(dialect: str, table: Table) -> Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing().inline()
    return sqlite.insert(table).on_conflict_do_nothing().inline()
