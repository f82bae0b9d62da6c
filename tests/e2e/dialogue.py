"""People who talk in turns: what each says, laid out on one clock for a SIPp at either end."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari_app.sip_caller import Press, Speak, Step, Wait
from ari_app.sip_caller.voice import spoken
from stt.digits import written
from stt.evaluate import distance, normalised

GAP_SECONDS = 1.4  # between two turns: longer than the end of an utterance takes to be found
BEFORE_SECONDS = 1.0  # from the agent's answer to the first word
REACHED_SECONDS = 2.2  # from the last key to the agent's answer: three short prompts and a ring
CALLER, AGENT = "caller", "agent"
_RATE = 8000


@dataclass(frozen=True)
class Turn:
    """Somebody says something."""

    who: str
    text: str

    @property
    def seconds(self) -> float:
        return len(spoken([self.text])[self.text]) / _RATE


def steps_of(turns: Sequence[Turn], who: str) -> list[Step]:
    """What one of them does from the answer on: speaks in turn, and is silent in the others'."""
    steps: list[Step] = [Wait(BEFORE_SECONDS)]
    for turn in turns:
        steps += [Speak(turn.text) if turn.who == who else Wait(turn.seconds), Wait(GAP_SECONDS)]
    return steps


def caller_steps(extension: str, turns: Sequence[Turn]) -> list[Step]:
    """The caller's side from the beginning of the call."""
    return [Wait(0.3), Press(extension), Wait(REACHED_SECONDS), *steps_of(turns, CALLER)]


def said_by(turns: Sequence[Turn], who: str) -> str:
    """Everything that one of them says."""
    return "".join(turn.text for turn in turns if turn.who == who)


def error_rate(said: str, heard: str) -> float:
    """Wrong, missing and added characters per spoken character; digits as they are written."""
    said, heard = normalised(written(said)), normalised(heard)
    return distance(said, heard) / len(said)
