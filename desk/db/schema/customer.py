"""Customers and their telephone numbers."""

from sqlalchemy import (
    Column,
    Float,
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

customers = Table(
    "customers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("external_id", String(200), unique=True),
    Column("name", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("level", String(60), nullable=False),
    Column("email", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("score", Float, nullable=False, server_default="0"),  # 1 to 5; 0: has not answered yet
    sqlite_autoincrement=True,  # an id is never given twice
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("e164", String(40), nullable=False),
    UniqueConstraint("customer_id", "e164"),
    Index(None, "e164"),
)
