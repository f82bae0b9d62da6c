"""Events of the moment: told to who listens now, kept nowhere, repeated never."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 200  # per client; a client that has so many to take has stopped following


@dataclass(frozen=True, slots=True)
class Passing:
    """Something that is true only for the moment.

    Attributes:
        kind: `utterance.partial`, `agent.state` or `queue.changed`.
        body: JSON-able. `leg` (of a partial) and `extension` (of an agent) say what it is of.
    """

    kind: str
    call_id: str | None
    body: Mapping[str, Any]


class Mailbox:
    """What one client has not taken yet, oldest first.

    An event replaces the older one of the same kind, call, leg and agent, so a slow client gets
    the newest words and not all that led to them. Beyond 200 the oldest goes.
    """

    def __init__(self) -> None:
        self._events: dict[tuple[object, ...], Passing] = {}

    def __bool__(self) -> bool:
        return bool(self._events)

    def put(self, event: Passing) -> None:
        """Keep `event` until it is taken or replaced."""
        key = (event.kind, event.call_id, event.body.get("leg"), event.body.get("extension"))
        self._events.pop(key, None)
        while len(self._events) >= MOST:
            del self._events[next(iter(self._events))]
        self._events[key] = event

    def take(self) -> list[Passing]:
        """All of it; then it is empty."""
        events = list(self._events.values())
        self._events.clear()
        return events
