"""Service levels: how long a case may take, how it stands, and who hears when it takes longer.

`clock` is the arithmetic and `working` the calendars, both pure. `projection` stores what they say,
`following` keeps that abreast of the timeline, `escalation` fires what is due, `effect` shows what
a change of policies would do before `apply` makes it.
"""

from desk.sla.book import Book, Editions
from desk.sla.clock import Clock, ClockState, clocks, elapsed_at
from desk.sla.editions import apply, begin, in_force, latest
from desk.sla.effect import Effect, Effects, effect
from desk.sla.escalation import Fired, due_steps, fire, fire_due, next_due
from desk.sla.following import Rebuilt, behind, follow, rebuild, recompute
from desk.sla.history import Facts, History
from desk.sla.projection import StepKey, refresh, stored_clocks, stored_steps
from desk.sla.reading import history_of

__all__ = [
    "Book",
    "Clock",
    "ClockState",
    "Editions",
    "Effect",
    "Effects",
    "Facts",
    "Fired",
    "History",
    "Rebuilt",
    "StepKey",
    "apply",
    "begin",
    "behind",
    "clocks",
    "due_steps",
    "effect",
    "elapsed_at",
    "fire",
    "fire_due",
    "follow",
    "history_of",
    "in_force",
    "latest",
    "next_due",
    "rebuild",
    "recompute",
    "refresh",
    "stored_clocks",
    "stored_steps",
]
