"""Rule sets of routing, levels and fields of tickets."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables."""
