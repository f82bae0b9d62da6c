"""What the bridge needs of a kind of target."""

from datetime import datetime
from typing import Protocol

from crm_bridge.outcome import Outcome
from desk.outbox import Delivery


class Connector(Protocol):
    """One target."""

    @property
    def deadline_seconds(self) -> float:
        """How long a push may take."""

    async def push(self, delivery: Delivery, now: datetime) -> Outcome:
        """Send one entry, once. It may have been sent before: what identifies it to the target
        must be the same each time. Answers within the deadline, and never raises for anything
        that the target or the network does."""

    async def aclose(self) -> None:
        """Give connections back. Closing twice is harmless."""
