"""What of a stream of entries somebody may see, and what of that in full."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from desk.access.roles import Principal, Reach
from desk.access.within import AGENT_STATE, seen_calls, seen_tickets

OF_THE_HOUSE = frozenset({AGENT_STATE, "queue.changed"})


@dataclass(frozen=True, slots=True)
class Sight:
    """Which of some tickets and calls are within a reach; of `OTHER`, everything is."""

    reach: Reach
    tickets: frozenset[int]
    calls: frozenset[str]

    def has(self, kind: str, ticket_id: int | None, call_id: str | None) -> bool:
        """Whether an entry or event of this kind, about these, may be seen."""
        return kind in OF_THE_HOUSE or self.covers(ticket_id, call_id)

    def covers(self, ticket_id: int | None, call_id: str | None) -> bool:
        """Whether what is about these is within reach."""
        if self.reach is Reach.OTHER:
            return True
        if ticket_id is not None:
            return ticket_id in self.tickets
        return call_id is not None and call_id in self.calls


def sight_of(
    db: Connection,
    who: Principal,
    reach: Reach,
    ticket_ids: Collection[int],
    call_ids: Collection[str],
) -> Sight:
    """What of these tickets and calls is within reach now."""
    if reach in (Reach.OTHER, Reach.NONE):
        return Sight(reach, frozenset(), frozenset())
    return Sight(
        reach, seen_tickets(db, who, reach, ticket_ids), seen_calls(db, who, reach, call_ids)
    )
