"""What a waiting caller may be told: the position and the expected wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ari_app.queue.match import Asking

FEWEST_TALKS = 3
"""How many calls must have ended before their mean says anything."""


Rivals = Mapping[frozenset[str], int]
"""Those before a caller: how many of them may be served by just these agents."""


def position(servers: frozenset[str], before: Rivals) -> int:
    """The position of a caller whom `servers` may serve, 1-based: one more than those before who
    wait for an agent that might serve this one too."""
    return 1 + sum(n for others, n in before.items() if not servers.isdisjoint(others))


def mean_handling(talk_seconds: Sequence[float], wrap_up_seconds: float) -> float | None:
    """For how many seconds one call keeps an agent; None: too few to know."""
    if len(talk_seconds) < FEWEST_TALKS:
        return None
    return sum(talk_seconds) / len(talk_seconds) + wrap_up_seconds


def expected_wait(
    asking: Asking,
    before: Mapping[float, Rivals],
    ready: frozenset[str],
    on_duty: frozenset[str],
    handling_seconds: float | None,
    now: datetime,
) -> float | None:
    """In how many seconds an agent can be expected, from `now` on; None: nobody can know.

    n agents whom a call keeps for T seconds free one every T/n seconds. Those before take their
    share of these agents: one who may have any of ten agents, two of them among the n, counts for
    0.2. This caller's choice and theirs widen with time, so the sum is made anew for each step,
    until one says that the agent comes before the next step.

    Args:
        before: after how many seconds from now on, which agents may serve those before whose agent
            does not ring yet. Has 0.
        ready: who could take a call at once.
        on_duty: as for `match`.
        handling_seconds: T.
    """
    waited = max(0.0, (now - asking.waiting.since).total_seconds())
    there = on_duty - asking.avoid
    own = {after - waited for after, _ in asking.widening.steps if after > waited}
    steps = sorted(own | before.keys())
    expected = None
    for number, step in enumerate(steps):
        servers = asking.widening.servers(waited + step, there)
        rivals = before[min((at for at in before if at >= step), default=max(before))]
        share = sum(n * len(servers & r) / len(r) for r, n in rivals.items() if r)
        idle = len(servers & ready)
        if servers and idle > share:
            expected = step
        elif servers and handling_seconds is not None:
            expected = max(step, (share + 1 - idle) * handling_seconds / len(servers))
        if expected is not None and number + 1 < len(steps) and expected <= steps[number + 1]:
            break
    return expected
