"""Which waiting caller gets which ready agent: a plain function of the line and the clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ari_app.queue.need import Waiting
from ari_app.queue.relax import Widening


@dataclass(frozen=True, slots=True)
class Asking:
    """A caller who asks for an agent. `avoid`: those who just failed to answer this caller."""

    waiting: Waiting
    widening: Widening
    avoid: frozenset[str] = frozenset()

    def servers(self, there: frozenset[str], now: datetime) -> frozenset[str]:
        """Which of the agents `there` may serve this caller now."""
        waited = (now - self.waiting.since).total_seconds()
        return self.widening.servers(waited, there - self.avoid if self.avoid else there)


def match(
    line: Iterable[Asking], ready: Sequence[str], on_duty: frozenset[str], now: datetime
) -> list[tuple[str, str]]:
    """Pairs of (id of the waiting caller, extension), each caller and each agent at most once.

    Callers choose in the order of the line: the agent who served this customer last if that one
    may serve and is ready, else the longest idle one who may.

    Args:
        line: in the order of `turn`.
        ready: extensions, the longest idle first.
        on_duty: who could be ready again without being told to: not away, not unreachable.
        now: aware.
    """
    left = dict.fromkeys(ready)
    pairs = []
    for asking in line:
        if not left:
            break
        servers = asking.servers(on_duty, now)
        last = asking.waiting.last_agent
        if last in left and last in servers:
            chosen: str | None = last
        else:
            chosen = next((extension for extension in left if extension in servers), None)
        if chosen is not None:
            del left[chosen]
            pairs.append((asking.waiting.id, chosen))
    return pairs
