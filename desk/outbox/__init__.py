"""The outbox: which timeline entries leave the house, to which target, in which order."""

from desk.outbox.deliveries import (
    Delivery,
    bury,
    delivered,
    due,
    failed,
    fan_out,
    next_due_at,
)
from desk.outbox.put import ordering_key, put
from desk.outbox.standing import Counts, counts, dead, replay

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
