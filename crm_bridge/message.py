"""The message that a webhook target receives for one timeline entry. See docs/webhooks.md."""

import hashlib
from typing import Any

import orjson

from desk.outbox import Delivery

VERSION = 1
"""Grows when a field changes its meaning or goes away; new fields may come at any time."""


def message_id(delivery: Delivery) -> str:
    """`webhook-id`: the same at every attempt and at every replay, and no other entry's.

    It names the entry by more than its number: a database that is restored from a backup uses
    numbers again, and a target must not take the new entry for the old one.
    """
    entry = delivery.payload
    parts = (entry["seq"], entry["at"], entry["kind"], entry["call_id"], entry["ticket_id"])
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return f"msg_{entry['seq']}_{digest[:16]}"


def message(delivery: Delivery) -> dict[str, Any]:
    """The message as JSON values: `version`, `type`, `timestamp` and `data`.

    `data.body` is null once the entry's words have been erased.
    """
    entry = dict(delivery.payload)
    return {
        "version": VERSION,
        "type": entry.pop("kind"),
        "timestamp": entry.pop("at"),
        "data": entry,
    }


def encode(delivery: Delivery) -> str:
    """The message as the text that is signed and sent."""
    return orjson.dumps(message(delivery)).decode()
