"""Calls that the desk wants placed, their attempts, what bounds them, and periodic re-visits."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0010"
down_revision = "0009"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "outbound_alarms",
        sa.Column("cause", sa.String(length=30), nullable=False),
        sa.Column("hour", UtcTime(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cause", "hour", name=op.f("pk_outbound_alarms")),
    )
    op.create_table(
        "outbound_marks",
        sa.Column("e164", sa.String(length=40), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "mark IN ('do_not_call', 'shared', 'recycled', 'virtual')",
            name=op.f("ck_outbound_marks_mark"),
        ),
        sa.PrimaryKeyConstraint("e164", "mark", name=op.f("pk_outbound_marks")),
    )
    op.create_table(
        "outbound_switch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_outbound_switch_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_switch")),
    )
    op.create_table(
        "outbound_requests",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("e164", sa.String(length=40), nullable=False),
        sa.Column("identity", sa.String(length=20), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.String(length=150), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('confirm', 'click', 'scheduled', 'revisit')",
            name=op.f("ck_outbound_requests_purpose"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'dialling', 'asked', 'done')",
            name=op.f("ck_outbound_requests_state"),
        ),
        sa.CheckConstraint(
            "way IN ('call', 'sms', 'handler')", name=op.f("ck_outbound_requests_way")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_outbound_requests_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_outbound_requests_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_requests")),
        sa.UniqueConstraint("key", name=op.f("uq_outbound_requests_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_outbound_requests_agent_id"), "outbound_requests", ["agent", "id"], unique=False
    )
    op.create_index(
        "ix_outbound_requests_open",
        "outbound_requests",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state != 'done'"),
        postgresql_where=sa.text("state != 'done'"),
    )
    op.create_index(
        op.f("ix_outbound_requests_ticket_id_id"),
        "outbound_requests",
        ["ticket_id", "id"],
        unique=False,
    )
    op.create_table(
        "revisits",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('active', 'done', 'cancelled')", name=op.f("ck_revisits_state")
        ),
        sa.CheckConstraint("every_days > 0", name=op.f("ck_revisits_every_days")),
        sa.CheckConstraint("visits > 0", name=op.f("ck_revisits_visits")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_revisits_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisits")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_revisits_ticket_id_id"), "revisits", ["ticket_id", "id"], unique=False)
    op.create_table(
        "outbound_attempts",
        sa.Column("id", sa.String(length=150), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("request_id", Id, nullable=True),
        sa.Column("callback_id", Id, nullable=True),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("e164", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("placed_at", UtcTime(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("consent", sa.String(length=10), nullable=False),
        sa.Column("consent_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "consent IN ('', 'given', 'refused', 'told')", name=op.f("ck_outbound_attempts_consent")
        ),
        sa.ForeignKeyConstraint(
            ["callback_id"], ["callbacks.id"], name=op.f("fk_outbound_attempts_callback_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["outbound_requests.id"], name=op.f("fk_outbound_attempts_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_attempts")),
    )
    op.create_index(
        op.f("ix_outbound_attempts_e164_placed_at"),
        "outbound_attempts",
        ["e164", "placed_at"],
        unique=False,
    )
    op.create_index(
        "ix_outbound_attempts_open",
        "outbound_attempts",
        ["placed_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        op.f("ix_outbound_attempts_placed_at_id"),
        "outbound_attempts",
        ["placed_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_outbound_attempts_request_id"), "outbound_attempts", ["request_id"], unique=False
    )
    op.create_table(
        "revisit_visits",
        sa.Column("revisit_id", Id, nullable=False),
        sa.Column("visit", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("told_at", UtcTime(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("call_id", sa.String(length=150), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'due', 'done', 'cancelled')", name=op.f("ck_revisit_visits_state")
        ),
        sa.ForeignKeyConstraint(
            ["revisit_id"], ["revisits.id"], name=op.f("fk_revisit_visits_revisit_id")
        ),
        sa.PrimaryKeyConstraint("revisit_id", "visit", name=op.f("pk_revisit_visits")),
    )
    op.create_index(
        "ix_revisit_visits_planned",
        "revisit_visits",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.execute(
        "INSERT INTO outbound_switch (id, stopped, actor, reason, changed_at) "
        "VALUES (1, false, 'system', '', NULL)"
    )
