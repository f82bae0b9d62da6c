"""The outbox: which timeline entries leave the house, to which target, in which order."""

from desk.outbox.deliveries import (
    Delivery,
    bury,
    claim,
    delivered,
    due,
    failed,
    next_due_at,
    release,
)
from desk.outbox.fan_out import EVERYTHING, fan_out
from desk.outbox.prune import old, prune
from desk.outbox.put import ordering_key, put
from desk.outbox.standing import Counts, counts, dead, replay

__all__ = [
    "EVERYTHING",
    "Counts",
    "Delivery",
    "bury",
    "claim",
    "counts",
    "dead",
    "delivered",
    "due",
    "failed",
    "fan_out",
    "next_due_at",
    "old",
    "ordering_key",
    "prune",
    "put",
    "release",
    "replay",
]
