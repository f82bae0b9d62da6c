"""Web links for customers, surveys and their answers, and calls that asked how a case stands."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

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

# `key` is the occasion: one survey per call, one per ticket and close. (`who`, `month`, `nth`) is
# one of the places that a customer has in a month.
surveys = Table(
    "surveys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("channel", String(10), nullable=False),
    Column("who", String(200), nullable=False),
    Column("month", String(7), nullable=False),
    Column("nth", Integer, nullable=False),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("customer_id", ForeignKey("customers.id")),
    Column("call_id", ForeignKey("calls.id")),
    Column("link_id", ForeignKey("links.id"), unique=True),
    Column("asked_at", UtcTime, nullable=False),
    Column("answered_at", UtcTime),
    Column("points", Integer),
    Column("comment", Text, nullable=False),
    Column("effect", String(20), nullable=False),
    UniqueConstraint("who", "month", "nth"),
    CheckConstraint("channel IN ('key', 'link')", name="channel"),
    CheckConstraint("effect IN ('', 'reopened', 'alarmed')", name="effect"),
    CheckConstraint(
        "(answered_at IS NULL AND points IS NULL) OR"
        " (answered_at IS NOT NULL AND points BETWEEN 1 AND 5)",
        name="points",
    ),
    Index(None, "ticket_id", "id"),
    Index(None, "customer_id", "answered_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)

# A caller who was told by the line itself how a case stands, and where that led.
progress_calls = Table(
    "progress_calls",
    metadata,
    Column("call_id", ForeignKey("calls.id"), primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id"), nullable=False),
    Column("told", String(30), nullable=False),  # the ticket's status then
    Column("at", UtcTime, nullable=False),
    Column("outcome", String(20), nullable=False),
    CheckConstraint(
        "outcome IN ('told', 'solved', 'not_solved', 'person', 'other')", name="outcome"
    ),
    Index(None, "at"),
)
