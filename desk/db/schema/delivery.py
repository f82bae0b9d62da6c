"""What the bridge delivers."""

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
    UniqueConstraint,
    text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

outbox = Table(
    "outbox",
    metadata,
    Column("seq", ForeignKey("timeline.seq"), primary_key=True, autoincrement=False),
    Column("key", String(200), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("seq", ForeignKey("outbox.seq"), nullable=False),
    Column("target", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("claimed_by", String(100)),  # the process that is sending it, until `claimed_until`
    Column("claimed_until", UtcTime),
    UniqueConstraint("target", "seq"),
    CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state"),
    Index(
        "ix_deliveries_pending",
        "target",
        "key",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_deliveries_due",
        "target",
        "next_at",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_deliveries_dead",
        "target",
        "seq",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
)

outbox_cursors = Table(
    "outbox_cursors",
    metadata,
    Column("target", String(100), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
