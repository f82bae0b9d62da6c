"""Service levels: editions of the policies, clocks, steps of escalation."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0004"
down_revision = "0003"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "sla_editions",
        sa.Column("edition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("applied_at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("recomputed", sa.BigInteger(), nullable=False),
        sa.Column("to_recompute", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_sla_editions")),
    )
    op.create_table(
        "sla_clocks",
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("target", sa.String(length=30), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("team", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("elapsed_us", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", UtcTime(), nullable=False),
        sa.Column("due_seconds", sa.Integer(), nullable=False),
        sa.Column("amber_at", UtcTime(), nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'met', 'breached', 'stopped')",
            name=op.f("ck_sla_clocks_state"),
        ),
        sa.CheckConstraint("kind IN ('wall', 'working')", name=op.f("ck_sla_clocks_kind")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_sla_clocks_ticket_id")
        ),
        sa.ForeignKeyConstraint(
            ["edition"], ["sla_editions.edition"], name=op.f("fk_sla_clocks_edition")
        ),
        sa.PrimaryKeyConstraint("ticket_id", "target", "cycle", name=op.f("pk_sla_clocks")),
    )
    op.create_index(
        "ix_sla_clocks_running",
        "sla_clocks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "sla_steps",
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("target", sa.String(length=30), nullable=False),
        sa.Column("cycle", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=30), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("fired_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_sla_steps_ticket_id")
        ),
        sa.PrimaryKeyConstraint("ticket_id", "target", "cycle", "step", name=op.f("pk_sla_steps")),
    )
    op.create_index(
        "ix_sla_steps_due",
        "sla_steps",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("fired_at IS NULL"),
        postgresql_where=sa.text("fired_at IS NULL"),
    )
    op.create_table(
        "sla_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sla_cursor_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_cursor")),
    )
    op.execute("INSERT INTO sla_cursor (id, seq) VALUES (1, 0)")
