"""What the FastAGI server counts."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "served", "not_allowed", "refused", "bad_request", "timed_out", "disconnected", "failed"
]


@dataclass(slots=True)
class Counters:
    """Connections since the start, each in exactly one of these, `open` apart.

    Attributes:
        open: being served now.
        served: a script ran to its end.
        not_allowed: came from an address that is not Asterisk's.
        refused: came while as many as allowed were open.
        bad_request: was no request, or asked for no script of ours.
        timed_out: the header or the script took too long.
        disconnected: Asterisk closed it before the script was done.
        failed: the script failed; the log says why.
    """

    open: int = 0
    served: int = 0
    not_allowed: int = 0
    refused: int = 0
    bad_request: int = 0
    timed_out: int = 0
    disconnected: int = 0
    failed: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one connection that is over."""
        setattr(self, outcome, getattr(self, outcome) + 1)
