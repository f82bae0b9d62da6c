"""The timeline and its hash chain."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

# The timeline refers to nothing: history outlives what it speaks of.
timeline = Table(
    "timeline",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("call_id", String(150)),
    Column("ticket_id", Id),
    Column("customer_id", Id),
    Column("actor", String(200), nullable=False),
    Column("body", Text),
    Column("salt", String(32)),
    Column("body_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    *(
        Index(
            f"ix_timeline_{column}",
            column,
            "seq",
            sqlite_where=text(f"{column} IS NOT NULL"),
            postgresql_where=text(f"{column} IS NOT NULL"),
        )
        for column in ("call_id", "ticket_id", "customer_id")
    ),
)

timeline_head = Table(
    "timeline_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# How far each follower of the timeline has come. Who moves it holds its row.
followers = Table(
    "followers",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # that failed, of the next
    Column("retry_at", UtcTime),
    Column("error", Text, nullable=False, server_default=""),
    Column("again", Integer, nullable=False, server_default="0"),  # entries put aside are wanted
)

# Entries that a follower could not react to.
follower_asides = Table(
    "follower_asides",
    metadata,
    Column("follower", String(60), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(60), nullable=False),
    Column("error", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("again", Integer, nullable=False, server_default="0"),  # it is to be tried once more
)
