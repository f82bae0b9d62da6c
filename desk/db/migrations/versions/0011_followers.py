"""Followers of the timeline, what they could not react to, and the terms of hand-overs."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables."""
    op.add_column(
        "handovers", sa.Column("term_seconds", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_table(
        "followers",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", UtcTime(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("again", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_followers")),
    )
    op.create_table(
        "follower_asides",
        sa.Column("follower", sa.String(length=60), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("again", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("follower", "seq", name=op.f("pk_follower_asides")),
    )
