"""The journal of calls, talks with agents, and call-backs that were asked for."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from desk.db.schema.base import Id, caller_columns, metadata
from desk.db.types import UtcTime

calls = Table(
    "calls",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("dialled", Text, nullable=False),
    *caller_columns(),
    Column("customer_ids", Text, nullable=False),
    Column("stage", String(60), nullable=False),
    Column("stage_state", Text, nullable=False),
    Column("stage_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("cause", String(60)),
    Column("ticket_id", Id),  # the ticket it belongs to; that of its first call refers back
    Column("direction", String(10), nullable=False, server_default="inbound"),
    Column("digest", Text),  # what was found in its words; its ticket shows it, whenever opened
    CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
    Index("ix_calls_received_at_id", "received_at", "id"),
    Index(
        "ix_calls_ticket_id",
        "ticket_id",
        sqlite_where=text("ticket_id IS NOT NULL"),
        postgresql_where=text("ticket_id IS NOT NULL"),
    ),
    Index(
        "ix_calls_unfinished",
        "received_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

agents = Table(
    "agents",
    metadata,
    Column("extension", String(40), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
)

talks = Table(
    "talks",
    metadata,
    Column("id", String(150), primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False),
    Column("agent", String(40), nullable=False),
    Column("e164", String(40), nullable=False),  # the caller's: who spoke with this number last
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("cause", String(60)),
    Index(None, "call_id"),
    Index(None, "e164", "started_at"),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False, unique=True),
    Column("number", String(40), nullable=False),
    Column("need", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("channel_id", String(150)),
    Column("outcome", String(60)),
    Column("updated_at", UtcTime, nullable=False),
    CheckConstraint("state IN ('waiting', 'dialling', 'done')", name="state"),
    Index(
        "ix_callbacks_open",
        "since",
        sqlite_where=text("state != 'done'"),
        postgresql_where=text("state != 'done'"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)
