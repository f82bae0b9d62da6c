"""Agents, talks, utterances and call-backs; recordings per party; what a digest found."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0002"
down_revision = "0001"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

STATES = "state IN ('recorded', 'transcribed', 'failed', 'skipped')"


def upgrade() -> None:
    """Add the tables and columns."""
    _make_tables()
    _widen_calls()
    op.add_column("tickets", sa.Column("summary", sa.Text(), nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("found", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("deliveries", sa.Column("claimed_by", sa.String(length=100), nullable=True))
    op.add_column("deliveries", sa.Column("claimed_until", UtcTime(), nullable=True))
    if op.get_context().dialect.name == "sqlite":
        _rebuild_recordings()
    else:
        for column in _new_recording_columns():
            op.add_column("recordings", column)
        op.drop_constraint(op.f("ck_recordings_state"), "recordings", type_="check")
        op.create_check_constraint(op.f("ck_recordings_state"), "recordings", STATES)
    op.create_index(
        "ix_recordings_kept",
        "recordings",
        ["kind", "recorded_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _widen_calls() -> None:
    direction = "direction IN ('inbound', 'outbound')"
    if op.get_context().dialect.name == "sqlite":
        # SQLite adds a CHECK only together with its column; so no table is rebuilt.
        op.execute(
            "ALTER TABLE calls ADD COLUMN direction VARCHAR(10) DEFAULT 'inbound' NOT NULL "
            f"CONSTRAINT ck_calls_direction CHECK ({direction})"
        )
    else:
        op.add_column(
            "calls",
            sa.Column(
                "direction", sa.String(length=10), nullable=False, server_default="inbound"
            ),
        )
        op.create_check_constraint(op.f("ck_calls_direction"), "calls", direction)
    op.add_column("calls", sa.Column("digest", sa.Text(), nullable=True))
    op.create_index(
        "ix_calls_ticket_id",
        "calls",
        ["ticket_id"],
        unique=False,
        sqlite_where=sa.text("ticket_id IS NOT NULL"),
        postgresql_where=sa.text("ticket_id IS NOT NULL"),
    )


def _new_recording_columns() -> "list[sa.Column[Any]]":
    return [
        sa.Column("party", sa.String(length=60), nullable=False, server_default=""),
        sa.Column("leg", sa.String(length=150), nullable=False, server_default=""),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("encrypted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("deleted_at", UtcTime(), nullable=True),
    ]


def _rebuild_recordings() -> None:
    """SQLite changes a CHECK only by a new table (sqlite.org/lang_altertable.html, section 7).

    Whoever runs this has switched foreign keys off: transcripts refer to the table by its name.
    """
    op.create_table(
        "recordings_new",
        sa.Column("id", Id, nullable=False),
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        *_new_recording_columns(),
        sa.CheckConstraint(STATES, name=op.f("ck_recordings_state")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_recordings_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("name", name=op.f("uq_recordings_name")),
        sqlite_autoincrement=True,
    )
    kept = "id, call_id, name, kind, path, seconds, sha256, state, recorded_at"
    op.execute(f"INSERT INTO recordings_new ({kept}) SELECT {kept} FROM recordings")
    # The ids of rows that are gone stay used.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'recordings_new'")
    op.execute("UPDATE sqlite_sequence SET name = 'recordings_new' WHERE name = 'recordings'")
    op.drop_table("recordings")
    op.rename_table("recordings_new", "recordings")
    op.create_index(op.f("ix_recordings_call_id"), "recordings", ["call_id"], unique=False)
    op.create_index(
        "ix_recordings_untranscribed",
        "recordings",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'recorded'"),
    )


def _make_tables() -> None:
    op.create_table(
        "agents",
        sa.Column("extension", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("extension", name=op.f("pk_agents")),
    )
    op.create_table(
        "talks",
        sa.Column("id", sa.String(length=150), nullable=False),
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=False),
        sa.Column("e164", sa.String(length=40), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_talks_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_talks")),
    )
    op.create_index(op.f("ix_talks_call_id"), "talks", ["call_id"], unique=False)
    op.create_index(
        op.f("ix_talks_e164_started_at"), "talks", ["e164", "started_at"], unique=False
    )
    op.create_table(
        "utterances",
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("leg", sa.String(length=150), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.String(length=60), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("start_second", sa.Float(), nullable=False),
        sa.Column("end_second", sa.Float(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("engine", sa.String(length=200), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_utterances_call_id")),
        sa.PrimaryKeyConstraint("call_id", "leg", "number", name=op.f("pk_utterances")),
    )
    op.create_index(
        "ix_utterances_afterwards",
        "utterances",
        ["call_id", "leg"],
        unique=False,
        sqlite_where=sa.text("live = 0"),
        postgresql_where=sa.text("live = false"),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", Id, nullable=False),
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.String(length=150), nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'dialling', 'done')", name=op.f("ck_callbacks_state")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_callbacks_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("call_id", name=op.f("uq_callbacks_call_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_callbacks_open",
        "callbacks",
        ["since"],
        unique=False,
        sqlite_where=sa.text("state != 'done'"),
        postgresql_where=sa.text("state != 'done'"),
    )
