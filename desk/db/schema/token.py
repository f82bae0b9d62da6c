"""Tokens of the API."""

from sqlalchemy import Column, Index, String, Table, Text

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("account_id", Id),  # refers to accounts, whose rights bound it; null: a program's
    Index(None, "account_id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
