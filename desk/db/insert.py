"""`INSERT … ON CONFLICT DO NOTHING`, which both databases have and SQLAlchemy spells twice."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from desk.db.prepared import Prepared


def insert_unless_there(table: Table, names: tuple[str, ...]) -> Prepared:
    """An insert of these columns that does nothing (rowcount 0) when a unique key is taken."""
    return Prepared(
        sqlite.insert(table).on_conflict_do_nothing(),
        names=names,
        on_postgresql=postgresql.insert(table).on_conflict_do_nothing().inline(),
    )
