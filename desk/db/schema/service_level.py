"""Editions of the service levels, and what they make of each ticket (desk/sla)."""

from sqlalchemy import (
    BigInteger,
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

from desk.db.schema.base import metadata
from desk.db.types import UtcTime

sla_editions = Table(
    "sla_editions",
    metadata,
    Column("edition", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("recomputed", BigInteger, nullable=False),  # open tickets up to this id are reckoned
    Column("to_recompute", BigInteger, nullable=False),  # anew; up to this one they shall be
)

sla_clocks = Table(
    "sla_clocks",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("target", String(30), primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("edition", ForeignKey("sla_editions.edition"), nullable=False),
    Column("policy", String(60), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("team", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("elapsed_us", BigInteger, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
    Column("due_seconds", Integer, nullable=False),
    Column("amber_at", UtcTime),
    Column("due_at", UtcTime),
    Column("ended_at", UtcTime),
    CheckConstraint("state IN ('running', 'paused', 'met', 'breached', 'stopped')", name="state"),
    CheckConstraint("kind IN ('wall', 'working')", name="kind"),
    Index(
        "ix_sla_clocks_running",
        "due_at",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

sla_steps = Table(
    "sla_steps",
    metadata,
    Column("ticket_id", ForeignKey("tickets.id"), primary_key=True),
    Column("target", String(30), primary_key=True),
    Column("cycle", Integer, primary_key=True, autoincrement=False),
    Column("step", String(30), primary_key=True),
    Column("due_at", UtcTime, nullable=False),
    Column("fired_at", UtcTime),
    Index(
        "ix_sla_steps_due",
        "due_at",
        sqlite_where=text("fired_at IS NULL"),
        postgresql_where=text("fired_at IS NULL"),
    ),
)

# How far the timeline was followed. Who changes editions, or follows, holds its one row.
sla_cursor = Table(
    "sla_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
