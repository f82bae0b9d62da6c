"""Ids that we choose, so that a listener stands before the first event can arrive.

Each kind has its own prefix: in Asterisk a bridge whose id equals a channel's id loses its events.
"""

import itertools
import os
from typing import Literal

type_of_prefix = {
    "c": "channel",
    "b": "bridge",
    "p": "playback",
    "r": "recording",
    "s": "snoop",
    "m": "external media",
}
Prefix = Literal["c", "b", "p", "r", "s", "m"]

_process = os.urandom(5).hex()
_numbers = itertools.count(1)


def new_id(prefix: Prefix) -> str:
    """A fresh id such as `p-9f86d08188-2f`: unique in this process and, by chance, elsewhere."""
    return f"{prefix}-{_process}-{next(_numbers):x}"
