"""Messages and answers whose numbers and words are still to be forgotten; which run of a rule wrote an
entry."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_TO_FORGET = (("messages", "text", "ended_at"), ("replies", "sender", "at"))


def upgrade() -> None:
    """Add the indexes."""
    for table, who, at in _TO_FORGET:
        kept = sa.text(f"{who} != ''")
        op.create_index(
            f"ix_{table}_to_forget", table, [at], sqlite_where=kept, postgresql_where=kept
        )
    op.create_index(op.f("ix_automation_runs_last_seq"), "automation_runs", ["last_seq"])
