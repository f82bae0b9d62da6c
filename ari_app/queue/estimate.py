"""What a waiting caller may be told: the position and the expected wait."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from ari_app.queue.match import Asking

FEWEST_TALKS = 3
"""How many talks must have ended before their mean says anything."""


def positions(line: Iterable[frozenset[str]]) -> list[int]:
    """Each caller's position, 1-based: one more than those before him who wait for an agent that
    might serve him too. `line` gives in its order which agents may serve each caller.
    """
    before: Counter[frozenset[str]] = Counter()
    found = []
    for servers in line:
        rivals = (n for others, n in before.items() if not servers.isdisjoint(others))
        found.append(1 + sum(rivals))
        before[servers] += 1
    return found


def mean_handling(talk_seconds: Sequence[float], wrap_up_seconds: float) -> float | None:
    """For how many seconds one call keeps an agent; None: too few talks to know."""
    if len(talk_seconds) < FEWEST_TALKS:
        return None
    return sum(talk_seconds) / len(talk_seconds) + wrap_up_seconds


def expected_wait(
    asking: Asking,
    before: Iterable[frozenset[str]],
    ready: frozenset[str],
    on_duty: frozenset[str],
    handling_seconds: float | None,
    now: datetime,
) -> float | None:
    """In how many seconds an agent can be expected, from `now` on; None: nobody can know.

    n agents who take T seconds per call free one every T/n seconds. Those before him take their
    share of these agents: one who may have any of ten agents, two of them among the n, counts for
    0.2. What a wider step of the rule brings counts from when it applies; the soonest is told.

    Args:
        before: which agents may serve each of those before him.
        ready: who could take a call at once.
        on_duty: as for `match`.
        handling_seconds: T.
    """
    waited = max(0.0, (now - asking.waiting.since).total_seconds())
    there = on_duty - asking.avoid
    rivals = Counter(before)
    expected = []
    delay: float | None = 0.0
    while delay is not None:
        servers = asking.widening.servers(waited + delay, there)
        share = sum(n * len(servers & r) / len(r) for r, n in rivals.items() if r)
        idle = len(servers & ready)
        if servers and idle > share:
            expected.append(delay)
        elif servers and handling_seconds is not None:
            ahead = share + 1 - idle
            expected.append(max(delay, ahead * handling_seconds / len(servers)))
        step = asking.widening.next_step(waited + delay)
        delay = None if step is None else step - waited
    return min(expected, default=None)
