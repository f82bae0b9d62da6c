"""How much sooner than others a caller is served."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ari_app.queue.need import Waiting
from ari_app.queue.settings import QueueSettings


def priority_of(levels: Iterable[str], urgent: bool, settings: QueueSettings) -> int:
    """The priority of a caller who is one of the customers of these `levels` (the highest counts),
    and whose choice in the menu was `urgent`."""
    highest = max((settings.vip_levels.get(level, 0) for level in levels), default=0)
    return highest + (settings.urgent_priority if urgent else 0)


def turn(waiting: Waiting, priority_seconds: float) -> tuple[datetime, datetime]:
    """What the line is ordered by, the smallest first: priority counts as time waited.

    So the order of two callers never changes while they wait, and nobody is passed for ever: only
    those can pass a caller who come within (their priority - his) × `priority_seconds` after him.
    """
    head_start = timedelta(seconds=waiting.priority * priority_seconds)
    return waiting.since - head_start, waiting.since
