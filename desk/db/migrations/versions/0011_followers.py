"""How far each follower of the timeline has come."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables."""
