"""What people who work on a ticket together leave there."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("recipient", String(130), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("ticket_id", ForeignKey("tickets.id")),
    Column("actor", String(200), nullable=False),
    Column("key", String(200), nullable=False),  # what it tells of: told to each recipient once
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("key", "recipient"),
    Index(None, "recipient", "id"),
    Index(None, "at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# A team's notice is one row, and each of the team reads it for himself.
notice_reads = Table(
    "notice_reads",
    metadata,
    Column("notice_id", ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True),
    Column("reader", String(200), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

watchers = Table(
    "watchers",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("watcher", String(130), primary_key=True),
    Column("cause", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    CheckConstraint("cause IN ('hand', 'rule', 'mention')", name="cause"),
    Index(None, "watcher", "ticket_id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("file", String(100), nullable=False, unique=True),  # its name in the store, by lot
    Column("name", String(200), nullable=False),  # as its sender called it
    Column("type", String(100), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("encrypted", Boolean, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("deleted_at", UtcTime),
    Index(None, "ticket_id", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

reply_templates = Table(
    "reply_templates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("team", String(60), nullable=False),  # "": everybody's
    Column("text", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("team", "name"),
    sqlite_autoincrement=True,  # an id is never given twice
)

views = Table(
    "views",
    metadata,
    Column("id", Id, primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("team", String(60), nullable=False),  # shared with it; "": the owner's alone
    Column("filters", Text, nullable=False),
    Column("sort", String(30), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("owner", "name"),
    Index(
        "ix_views_team",
        "team",
        sqlite_where=text("team != ''"),
        postgresql_where=text("team != ''"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

# What a bulk action did to each ticket: a repeated request is answered from here.
bulk_results = Table(
    "bulk_results",
    metadata,
    Column("actor", String(200), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("asked", String(64), nullable=False),  # SHA-256 of what was asked for this ticket
    Column("version", Integer, nullable=False),  # the ticket's afterwards
    Column("at", UtcTime, nullable=False),
    Index(None, "at"),
)
