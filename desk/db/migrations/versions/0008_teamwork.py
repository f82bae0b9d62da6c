"""Attachments, watchers, notices, templates, views, and the index of words."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0008"
down_revision = "0007"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    _make_notices()
    _make_notice_reads()
    _make_watchers()
    _make_attachments()
    _make_reply_templates()
    _make_views()
    _make_bulk_results()
    _make_ticket_index()


def _make_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", Id, nullable=False),
        sa.Column("recipient", sa.String(length=130), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ticket_id", Id, nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_notices_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", "recipient", name=op.f("uq_notices_key_recipient")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notices_at"), "notices", ["at"], unique=False)
    op.create_index(op.f("ix_notices_recipient_id"), "notices", ["recipient", "id"], unique=False)


def _make_notice_reads() -> None:
    op.create_table(
        "notice_reads",
        sa.Column("notice_id", Id, nullable=False),
        sa.Column("reader", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.id"],
            name=op.f("fk_notice_reads_notice_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", "reader", name=op.f("pk_notice_reads")),
    )


def _make_watchers() -> None:
    op.create_table(
        "watchers",
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("watcher", sa.String(length=130), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint("cause IN ('hand', 'rule', 'mention')", name=op.f("ck_watchers_cause")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_watchers_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "watcher", name=op.f("pk_watchers")),
    )
    op.create_index(
        op.f("ix_watchers_watcher_ticket_id"), "watchers", ["watcher", "ticket_id"], unique=False
    )


def _make_attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_attachments_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("file", name=op.f("uq_attachments_file")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_attachments_ticket_id_id"), "attachments", ["ticket_id", "id"], unique=False
    )


def _make_reply_templates() -> None:
    op.create_table(
        "reply_templates",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("team", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_templates")),
        sa.UniqueConstraint("team", "name", name=op.f("uq_reply_templates_team_name")),
        sqlite_autoincrement=True,
    )


def _make_views() -> None:
    op.create_table(
        "views",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("team", sa.String(length=60), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("sort", sa.String(length=30), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_views")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_views_owner_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_views_team",
        "views",
        ["team"],
        unique=False,
        sqlite_where=sa.text("team != ''"),
        postgresql_where=sa.text("team != ''"),
    )


def _make_bulk_results() -> None:
    op.create_table(
        "bulk_results",
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_bulk_results_ticket_id")
        ),
        sa.PrimaryKeyConstraint("actor", "key", "ticket_id", name=op.f("pk_bulk_results")),
    )
    op.create_index(op.f("ix_bulk_results_at"), "bulk_results", ["at"], unique=False)


def _make_ticket_index() -> None:
    """The words of tickets, in what each database has for that (desk/tickets/word_index.py)."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE ticket_index USING "
            "fts5(pairs, tokenize='ascii', detail='none', columnsize=0)"
        )
        return
    op.execute(
        "CREATE TABLE ticket_index (ticket_id BIGINT PRIMARY KEY REFERENCES tickets (id), "
        "pairs INTEGER[] NOT NULL)"
    )
    op.execute("CREATE INDEX ix_ticket_index_pairs ON ticket_index USING gin (pairs)")
