"""Where the conversation with a repeat caller is: what the journal holds of it."""

from dataclasses import dataclass
from typing import Literal

from desk.tickets import Ticket

STATE = "repeat"  # its place in a call's state

Step = Literal["number", "tell", "identity", "question", "answered"]


@dataclass
class Repeat:
    """Where the conversation is: JSON values.

    Attributes:
        ticket_id: the case; None while its number is to be keyed in.
        cycle: of the solution that is asked about.
        identity: how it was made sure who it is, once it was (`Identity`).
        own: the caller may answer for the case.
        others: there are more cases, which can be asked for by number.
        solved: the answer, once there is one.
    """

    step: Step
    ticket_id: int | None = None
    number: str = ""
    status: str = ""
    cycle: int = 0
    identity: str = ""
    own: bool = True
    others: bool = False
    solved: bool | None = None

    @property
    def case(self) -> int:
        """The case's id; every step but the first has one."""
        assert self.ticket_id is not None  # noqa: S101
        return self.ticket_id

    def of(self, ticket: Ticket) -> None:
        """Take up this case."""
        self.ticket_id, self.number = ticket.id, ticket.number
        self.status, self.cycle = ticket.status, ticket.cycle
