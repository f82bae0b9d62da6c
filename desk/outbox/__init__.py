"""The outbox: which timeline entries leave the house, to which target, in which order."""

from desk.outbox.deliveries import (
    Counts,
    Delivery,
    bury,
    counts,
    dead,
    delivered,
    due,
    failed,
    fan_out,
    next_due_at,
    replay,
)
from desk.outbox.put import ordering_key, put

__all__ = [
    "Counts",
    "Delivery",
    "bury",
    "counts",
    "dead",
    "delivered",
    "due",
    "failed",
    "fan_out",
    "next_due_at",
    "ordering_key",
    "put",
    "replay",
]
