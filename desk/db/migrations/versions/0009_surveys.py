"""Surveys and web links."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0009"
down_revision = "0008"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "links",
        sa.Column("id", Id, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.CheckConstraint("purpose IN ('confirm', 'survey')", name=op.f("ck_links_purpose")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_links_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("hash", name=op.f("uq_links_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_links_ticket_id"), "links", ["ticket_id", "id"])
