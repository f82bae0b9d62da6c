"""Web links, surveys, customers' scores, and calls that asked how a case stands."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0009"
down_revision = "0008"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and the score of customers."""
    op.add_column("customers", sa.Column("score", sa.Float(), nullable=False, server_default="0"))
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
    op.create_index(op.f("ix_links_ticket_id_id"), "links", ["ticket_id", "id"])
    op.create_table(
        "surveys",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("call_id", sa.String(length=150), nullable=True),
        sa.Column("link_id", Id, nullable=True),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("effect", sa.String(length=20), nullable=False),
        sa.CheckConstraint("channel IN ('key', 'link')", name=op.f("ck_surveys_channel")),
        sa.CheckConstraint("effect IN ('', 'reopened', 'alarmed')", name=op.f("ck_surveys_effect")),
        sa.CheckConstraint(
            "(answered_at IS NULL AND points IS NULL) OR"
            " (answered_at IS NOT NULL AND points BETWEEN 1 AND 5)",
            name=op.f("ck_surveys_points"),
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_surveys_ticket_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_surveys_customer_id")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_surveys_call_id")),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name=op.f("fk_surveys_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surveys")),
        sa.UniqueConstraint("key", name=op.f("uq_surveys_key")),
        sa.UniqueConstraint("link_id", name=op.f("uq_surveys_link_id")),
        sa.UniqueConstraint("who", "month", "nth", name=op.f("uq_surveys_who_month_nth")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_surveys_ticket_id_id"), "surveys", ["ticket_id", "id"])
    op.create_index(
        op.f("ix_surveys_customer_id_answered_at"), "surveys", ["customer_id", "answered_at"]
    )
    op.create_table(
        "progress_calls",
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("told", sa.String(length=30), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('told', 'solved', 'not_solved', 'person', 'other')",
            name=op.f("ck_progress_calls_outcome"),
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_progress_calls_call_id")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_progress_calls_ticket_id")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_progress_calls")),
    )
    op.create_index(op.f("ix_progress_calls_at"), "progress_calls", ["at"])
