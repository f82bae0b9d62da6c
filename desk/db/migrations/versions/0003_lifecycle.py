"""The lifecycle of tickets: states and what they need, confirmations, hand-overs, links."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0003"
down_revision = "0002"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

STATUS = (
    "status IN ('accepted', 'assigned', 'in_progress', 'waiting_customer', 'escalated', "
    "'resolved', 'closed', 'reopened', 'void', 'merged')"
)
# name, type, default or None for a column that may be null, and the check that comes with it:
# SQLite adds a CHECK only together with a column; so no table is rebuilt.
COLUMNS = (
    ("team", sa.String(length=60), "", None),
    ("assignee", sa.String(length=100), "", None),
    ("solution", sa.Text(), "", None),
    ("cycle", sa.Integer(), "1", ("ck_tickets_status", STATUS)),
    ("resolved_at", UtcTime(), None, None),
    ("closed_at", UtcTime(), None, None),
    (
        "confirmation_id",
        Id,
        None,
        ("ck_tickets_closed", "status != 'closed' OR confirmation_id IS NOT NULL"),
    ),
    (
        "void_reason",
        sa.String(length=30),
        "",
        ("ck_tickets_void", "status != 'void' OR void_reason != ''"),
    ),
    ("void_check", sa.String(length=10), "", None),
    (
        "survivor_id",
        Id,
        None,
        ("ck_tickets_merged", "status != 'merged' OR survivor_id IS NOT NULL"),
    ),
    ("status_before", sa.String(length=30), "", None),
)


def upgrade() -> None:
    """Add the columns and tables."""
    _widen_tickets()
    _make_confirmations()
    _make_handovers()
    _make_links()


def _widen_tickets() -> None:
    dialect = op.get_context().dialect
    for name, kind, default, check in COLUMNS:
        if dialect.name != "sqlite" or check is None:
            op.add_column(
                "tickets", sa.Column(name, kind, nullable=default is None, server_default=default)
            )
            if check is not None:
                op.create_check_constraint(op.f(check[0]), "tickets", check[1])
            continue
        given = "" if default is None else f" DEFAULT '{default}' NOT NULL"
        op.execute(
            f"ALTER TABLE tickets ADD COLUMN {name} {kind.compile(dialect)}{given} "
            f"CONSTRAINT {check[0]} CHECK ({check[1]})"
        )
    for column in ("e164", "team", "assignee"):
        op.create_index(op.f(f"ix_tickets_{column}_id"), "tickets", [column, "id"], unique=False)
    _partial_index("ix_tickets_survivor_id", "tickets", "survivor_id", "survivor_id IS NOT NULL")
    _partial_index("ix_tickets_void_check", "tickets", "id", "void_check = 'wanted'")


def _make_confirmations() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("identity", sa.String(length=30), nullable=False),
        sa.Column("call_id", sa.String(length=150), nullable=True),
        sa.Column("recording_id", Id, nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("supervisor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "answer IN ('solved', 'not_solved', 'overridden')",
            name=op.f("ck_confirmations_answer"),
        ),
        sa.CheckConstraint(
            "source IN ('talk', 'key', 'sms', 'link', 'override')",
            name=op.f("ck_confirmations_source"),
        ),
        sa.CheckConstraint(
            "(answer = 'overridden' AND source = 'override' AND supervisor != '' AND reason != '')"
            " OR (answer != 'overridden' AND source != 'override' AND identity != '')",
            name=op.f("ck_confirmations_override"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_confirmations_ticket_id")
        ),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_confirmations_call_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_confirmations_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_confirmations_ticket_id_id"), "confirmations", ["ticket_id", "id"], unique=False
    )


def _make_handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", Id, nullable=False),
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("from_team", sa.String(length=60), nullable=False),
        sa.Column("to_team", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("overdue_at", UtcTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'taken', 'refused', 'withdrawn')", name=op.f("ck_handovers_state")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_handovers_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_handovers_ticket_id_id"), "handovers", ["ticket_id", "id"], unique=False
    )
    _partial_index("uq_handovers_open", "handovers", "ticket_id", "state = 'open'", unique=True)
    _partial_index("ix_handovers_due", "handovers", "due_at", "state = 'open'")


def _make_links() -> None:
    op.create_table(
        "ticket_links",
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("other_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('duplicate', 'related', 'caused_by', 'split_from')",
            name=op.f("ck_ticket_links_kind"),
        ),
        sa.CheckConstraint("ticket_id != other_id", name=op.f("ck_ticket_links_other")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_links_ticket_id")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["tickets.id"], name=op.f("fk_ticket_links_other_id")
        ),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", "kind", name=op.f("pk_ticket_links")),
    )
    op.create_index(op.f("ix_ticket_links_other_id"), "ticket_links", ["other_id"], unique=False)


def _partial_index(name: str, table: str, column: str, only: str, *, unique: bool = False) -> None:
    op.create_index(
        name,
        table,
        [column],
        unique=unique,
        sqlite_where=sa.text(only),
        postgresql_where=sa.text(only),
    )
