"""Rule sets of routing, levels and fields of tickets."""

import sqlalchemy as sa
from alembic import op

from desk.db.types import UtcTime

revision = "0006"
down_revision = "0005"

# SQLite gives row ids by itself only to a column declared exactly INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEVEL = ("ck_tickets_level", "level BETWEEN 0 AND 4")


def upgrade() -> None:
    """Add the columns and tables."""
    _widen_tickets()
    _make_editions()
    _make_routes()


def _widen_tickets() -> None:
    """SQLite adds a CHECK only together with a column; so no table is rebuilt."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "ALTER TABLE tickets ADD COLUMN level INTEGER DEFAULT '0' NOT NULL "
            f"CONSTRAINT {LEVEL[0]} CHECK ({LEVEL[1]})"
        )
    else:
        op.add_column(
            "tickets", sa.Column("level", sa.Integer(), nullable=False, server_default="0")
        )
        op.create_check_constraint(op.f(LEVEL[0]), "tickets", LEVEL[1])
    op.add_column(
        "tickets", sa.Column("priority", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("tickets", sa.Column("fields", sa.Text(), nullable=False, server_default="{}"))
    op.create_index(
        "ix_tickets_untaken",
        "tickets",
        ["team", "id"],
        unique=False,
        sqlite_where=sa.text("assignee = ''"),
        postgresql_where=sa.text("assignee = ''"),
    )


def _make_editions() -> None:
    op.create_table(
        "routing_editions",
        sa.Column("edition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("restores", sa.Integer(), nullable=True),
        sa.Column("activated_at", UtcTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_routing_editions_edition")),
        sa.ForeignKeyConstraint(
            ["restores"], ["routing_editions.edition"], name=op.f("fk_routing_editions_restores")
        ),
        sa.PrimaryKeyConstraint("edition", name=op.f("pk_routing_editions")),
    )
    op.create_table(
        "house",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("declared_at", UtcTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_house_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_house")),
    )
    op.execute("INSERT INTO house (id, content) VALUES (1, '{}')")


def _make_routes() -> None:
    op.create_table(
        "ticket_routes",
        sa.Column("ticket_id", Id, nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("skill", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("confirm", sa.String(length=20), nullable=False),
        sa.Column("team", sa.String(length=60), nullable=False),
        sa.Column("assignee", sa.String(length=100), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("routed_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_routes_ticket_id")
        ),
        sa.ForeignKeyConstraint(
            ["edition"], ["routing_editions.edition"], name=op.f("fk_ticket_routes_edition")
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_routes")),
    )
