"""Web links for customers, surveys and their answers."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

# A link itself is nowhere: only the hash of its token.
links = Table(
    "links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("purpose", String(20), nullable=False),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    CheckConstraint("purpose IN ('confirm', 'survey')", name="purpose"),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
