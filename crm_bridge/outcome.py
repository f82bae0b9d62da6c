"""What a push came to, as one of four words that every connector translates its target into."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Accepted:
    """The target has the entry."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The target takes nothing now: down, slow, too busy, or set up wrongly. Nobody knows whether
    this entry arrived; it is sent again, with the same id.

    retry_after: seconds that the target asks us to stay away.
    """

    error: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The target works, and refuses this very entry."""

    error: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The target says that it will never take anything again."""

    error: str


Outcome: TypeAlias = Accepted | Unavailable | Rejected | Gone
