"""Rule sets of automation, runs, messages."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0007"
down_revision = "0006"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "messages",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("asks", sa.String(length=20), nullable=False),
        sa.Column("only_while", sa.String(length=30), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("attempted_at", UtcTime(), nullable=True),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("claimed_until", UtcTime(), nullable=True),
        sa.CheckConstraint("asks IN ('', 'confirm')", name=op.f("ck_messages_asks")),
        sa.CheckConstraint("channel IN ('sms', 'email')", name=op.f("ck_messages_channel")),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'failed', 'dropped')", name=op.f("ck_messages_state")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_messages_customer_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_messages_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_messages_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_messages_open_question",
        "messages",
        ["recipient", "id"],
        unique=False,
        sqlite_where=sa.text("asks != '' AND answered_at IS NULL"),
        postgresql_where=sa.text("asks != '' AND answered_at IS NULL"),
    )
    op.create_index(
        "ix_messages_queued",
        "messages",
        ["channel", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        op.f("ix_messages_recipient_attempted_at"),
        "messages",
        ["recipient", "attempted_at"],
        unique=False,
    )
    op.create_index(op.f("ix_messages_ticket_id_id"), "messages", ["ticket_id", "id"], unique=False)
    op.create_table(
        "message_channels",
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_message_channels")),
    )
    op.create_table(
        "message_optouts",
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint("channel IN ('sms', 'email')", name=op.f("ck_message_optouts_channel")),
        sa.PrimaryKeyConstraint("channel", "recipient", name=op.f("pk_message_optouts")),
    )
    op.create_table(
        "replies",
        sa.Column("id", Id, nullable=False),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("sender", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("message_id", Id, nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_replies_message_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_replies_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint(
            "provider", "provider_id", name=op.f("uq_replies_provider_provider_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_replies_ticket_id_id"), "replies", ["ticket_id", "id"], unique=False)
    op.create_table(
        "automation_editions",
        sa.Column("edition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("activated_at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("set_to", Id, nullable=False),
        sa.Column("to_set", Id, nullable=False),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_automation_editions_edition")),
        sa.ForeignKeyConstraint(
            ["restores"],
            ["automation_editions.edition"],
            name=op.f("fk_automation_editions_restores"),
        ),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_automation_editions")),
    )
    op.create_table(
        "automation_timers",
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("since_seq", Id, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("in_status", sa.String(length=30), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_automation_timers_ticket_id")
        ),
        sa.PrimaryKeyConstraint(
            "rule", "ticket_id", "since_seq", name=op.f("pk_automation_timers")
        ),
    )
    op.create_index(
        op.f("ix_automation_timers_due_at"), "automation_timers", ["due_at"], unique=False
    )
    op.create_index(
        op.f("ix_automation_timers_ticket_id"), "automation_timers", ["ticket_id"], unique=False
    )
    op.create_table(
        "automation_runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("clauses", sa.Text(), nullable=False),
        sa.Column("after_seq", Id, nullable=False),
        sa.Column("last_seq", Id, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('done', 'failed', 'stopped')", name=op.f("ck_automation_runs_state")
        ),
        sa.ForeignKeyConstraint(
            ["edition"], ["automation_editions.edition"], name=op.f("fk_automation_runs_edition")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_automation_runs_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_runs")),
        sa.UniqueConstraint("rule", "cause", name=op.f("uq_automation_runs_rule_cause")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_automation_runs_at"), "automation_runs", ["at"], unique=False)
    op.create_index(
        op.f("ix_automation_runs_ticket_id_last_seq"),
        "automation_runs",
        ["ticket_id", "last_seq"],
        unique=False,
    )
    op.create_table(
        "tasks",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("assignee", sa.String(length=130), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("reminded_at", UtcTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done', 'dropped')", name=op.f("ck_tasks_state")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_tasks_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_tasks_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND reminded_at IS NULL"),
        postgresql_where=sa.text("state = 'open' AND reminded_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["assignee", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_tasks_ticket_id_id"), "tasks", ["ticket_id", "id"], unique=False)
    op.execute("INSERT INTO message_channels (channel) VALUES ('sms'), ('email')")
