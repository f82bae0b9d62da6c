"""What sending needs of whoever carries messages."""

from typing import Protocol

from desk.messages import Message
from desk.messages.sending import Result


class Provider(Protocol):
    """Carries the messages of one channel.

    To write another one: `send` makes one attempt and says in one of four words what came of it.
    `Unknown` is for whatever broke after the message may have been handed over: an SMS then counts
    as sent, an e-mail is sent again under the same id. `Later` only where it surely was not.
    """

    @property
    def name(self) -> str:
        """As the timeline and the bill name it."""

    @property
    def deadline_seconds(self) -> float:
        """How long an attempt may take."""

    async def send(self, message: Message) -> Result:
        """Make one attempt. Answers within the deadline, and never raises for anything that the
        provider or the network does."""

    async def aclose(self) -> None:
        """Give connections back. Closing twice is harmless."""
