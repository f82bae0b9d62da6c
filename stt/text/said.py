"""The words of a call as digests take them."""

from dataclasses import dataclass

CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: who said it (`caller`, `agent:8001`, …) and the text."""

    party: str
    text: str
