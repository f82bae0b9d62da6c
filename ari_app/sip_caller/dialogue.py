"""Two people who talk in turns: what both say, laid out on one clock for a SIPp at either end."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari_app.sip_caller.plan import Speak, Step, Wait
from ari_app.sip_caller.timeline import RATE
from ari_app.sip_caller.voice import spoken

GAP_SECONDS = 1.4
"""Between two turns: longer than a recogniser takes to find the end of an utterance."""
BEFORE_SECONDS = 1.0
"""From the beginning of the talk to the first word."""
CALLER, AGENT = "caller", "agent"


@dataclass(frozen=True, slots=True)
class Turn:
    """`who` says `text` in Mandarin."""

    who: str
    text: str

    @property
    def seconds(self) -> float:
        """How long it takes. Speaks the text into the cache at first.

        Raises:
            PromptError: espeak-ng or sox is missing or fails.
        """
        return len(spoken([self.text])[self.text]) / RATE


def steps_of(turns: Sequence[Turn], who: str) -> list[Step]:
    """What one of them does from the beginning of the talk: speaks in turn, and is silent in the
    other's. Raises PromptError."""
    steps: list[Step] = [Wait(BEFORE_SECONDS)]
    for turn in turns:
        steps += [Speak(turn.text) if turn.who == who else Wait(turn.seconds), Wait(GAP_SECONDS)]
    return steps
