"""What the parties of a call said: recognised while they spoke, or afterwards."""

from desk.utterances.erasure import erase
from desk.utterances.transcript import replace, transcript
from desk.utterances.utterance import NewUtterance, Utterance, add, next_number

__all__ = [
    "NewUtterance",
    "Utterance",
    "add",
    "erase",
    "next_number",
    "replace",
    "transcript",
]
