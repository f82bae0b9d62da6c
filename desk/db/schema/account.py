"""Accounts of people, their sessions, and what makes a request safe to repeat."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

accounts = Table(
    "accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("full_name", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("team", String(60), nullable=False),
    Column("extension", String(40), nullable=False),  # of the telephone; "": none
    Column("unmasked", Boolean, nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("password_at", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False),  # since the last log-in
    Column("locked_until", UtcTime),
    Column("disabled_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("last_login_at", UtcTime),
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint(
        "role IN ('agent', 'technician', 'lead', 'supervisor', 'administrator', 'integration')",
        name="role",
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index(None, "account_id"),
    Index(None, "expires_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# A request that was served, by its Idempotency-Key; written in the transaction of its effect.
served = Table(
    "served_requests",
    metadata,
    Column("owner", String(60), primary_key=True),
    Column("operation", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("asked", String(64), nullable=False),  # SHA-256 of path, query and body
    Column("at", UtcTime, nullable=False),
    Column("status", Integer),  # null: its answer is not kept
    Column("headers", Text),
    Column("body", LargeBinary),
    Index(None, "at"),
)
