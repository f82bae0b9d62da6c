"""What was said: recordings, their transcripts, utterances."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from desk.db.schema.base import Id, metadata
from desk.db.types import UtcTime

recordings = Table(
    "recordings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("call_id", ForeignKey("calls.id"), nullable=False),
    Column("name", String(200), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("path", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("party", String(60), nullable=False, server_default=""),
    Column("leg", String(150), nullable=False, server_default=""),
    Column("started_at", UtcTime),
    Column("encrypted", Boolean, nullable=False, server_default=false()),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("deleted_at", UtcTime),
    CheckConstraint("state IN ('recorded', 'transcribed', 'failed', 'skipped')", name="state"),
    Index(None, "call_id"),
    Index(
        "ix_recordings_kept",
        "kind",
        "recorded_at",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "ix_recordings_untranscribed",
        "id",
        sqlite_where=text("state = 'recorded'"),
        postgresql_where=text("state = 'recorded'"),
    ),
    sqlite_autoincrement=True,  # an id is never given twice
)

transcripts = Table(
    "transcripts",
    metadata,
    Column("recording_id", ForeignKey("recordings.id"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("engine", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
)

utterances = Table(
    "utterances",
    metadata,
    Column("call_id", ForeignKey("calls.id"), primary_key=True),
    Column("leg", String(150), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("party", String(60), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("start_second", Float, nullable=False),
    Column("end_second", Float, nullable=False),
    Column("text", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("engine", String(200), nullable=False),
    Column("live", Boolean, nullable=False),
    Index(  # whether a leg was transcribed afterwards, asked before each of its live utterances
        "ix_utterances_afterwards",
        "call_id",
        "leg",
        sqlite_where=text("live = 0"),
        postgresql_where=text("live = false"),
    ),
)
