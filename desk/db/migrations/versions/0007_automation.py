"""Rule sets of automation, runs, messages."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables."""
