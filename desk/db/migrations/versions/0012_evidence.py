"""Who answered a call of ours, and mobiles that handlers are asked for."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0012"
down_revision = "0011"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column(
        "outbound_attempts",
        sa.Column("identity", sa.String(length=20), server_default="", nullable=False),
    )
    op.add_column("outbound_attempts", sa.Column("identity_at", UtcTime(), nullable=True))
    op.create_table(
        "outbound_mobiles",
        sa.Column("ticket_id", Id, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("e164", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=True),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('wanted', 'given', 'none')", name=op.f("ck_outbound_mobiles_state")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_outbound_mobiles_ticket_id")
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_outbound_mobiles")),
    )
