"""Chores: everything the desk does by time or by following its timeline.

Any number of processes keep them; the database sees to it that each thing happens once. `keeper` is
the one task that keeps them, `followers` makes chores that react to what the timeline says.
`desk/service.py` lists them all.
"""

from desk.chores.chore import DUE, Chore
from desk.chores.followers import Entry, follower, idle
from desk.chores.keeper import catch_up, keep
from desk.chores.standing import Aside, Standing, again, asides, standing

__all__ = [
    "DUE",
    "Aside",
    "Chore",
    "Entry",
    "Standing",
    "again",
    "asides",
    "catch_up",
    "follower",
    "idle",
    "keep",
    "standing",
]
