"""The journal of calls: every call from ring to end, and the stage to re-enter after a crash."""

from desk.journal.calls import Call, Direction, NewCall, begin, end, enter_stage, note
from desk.journal.look_up import get, search, unfinished

__all__ = [
    "Call",
    "Direction",
    "NewCall",
    "begin",
    "end",
    "enter_stage",
    "get",
    "note",
    "search",
    "unfinished",
]
