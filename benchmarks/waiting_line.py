"""What it costs to find who gets whom: 200 callers, 50 agents, against a bare sort of both.

    python benchmarks/waiting_line.py [--json] [--rounds N]

Rounds of all contenders alternate; the best round of each counts. Machines differ, so read the
ratios to `sort`, which only puts callers and agents in order. `match` serves a line of mixed needs
with every agent ready, `match in vain` looks for agents that nobody in the line may have, `look`
is everything that happens in the event loop when an agent comes free whom nobody may have, `told`
computes one caller's position and expected wait, `page` those of the whole line.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ari_app.queue import Agent, Need, Queue, QueueSettings, Waiting
from ari_app.queue.match import Asking, match
from ari_app.queue.priority import turn
from ari_app.queue.relax import Widening

CALLERS, AGENTS, TIMES = 200, 50, 20
NOW = datetime(2026, 11, 18, 2, tzinfo=UTC)
TEAMS = ["tianjin", "hebei", "national", "repair", "tax"]


def _agents() -> list[Agent]:
    chance = random.Random(1)  # noqa: S311 - a sample, no secret
    return [
        Agent(
            extension=str(8001 + n),
            team=TEAMS[n % len(TEAMS)],
            skills=frozenset(s for s in ("repair", "tax") if chance.random() < 0.5),
            regions=frozenset(["022", "河北"] if chance.random() < 0.3 else []),
        )
        for n in range(AGENTS)
    ]


def _callers() -> list[Waiting]:
    chance = random.Random(2)  # noqa: S311 - a sample, no secret
    callers = [
        Waiting(
            id=f"c{n}",
            since=NOW - timedelta(seconds=chance.uniform(0, 200)),
            need=Need(
                team=chance.choice(TEAMS),
                area_code=chance.choice(["022", "0311", "010", ""]),
                skills=frozenset(["tax"] if chance.random() < 0.3 else []),
            ),
            priority=chance.choice([0, 0, 0, 5, 10]),
        )
        for n in range(CALLERS)
    ]
    return sorted(callers, key=lambda w: turn(w, 60))


def _microseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    for _ in range(TIMES):
        work()
    return (time.perf_counter_ns() - start) / TIMES / 1000


async def measure(rounds: int) -> dict[str, float]:
    """Best microseconds of each contender."""
    settings, agents, callers = QueueSettings(), _agents(), _callers()
    rules = {team: settings.rule_for(team) for team in TEAMS}
    line = [Asking(w, Widening.of(w.need, agents, rules[w.need.team])) for w in callers]
    nobody = Need(skills=frozenset({"flying"}))
    vain = [Asking(w, Widening.of(nobody, agents, rules["tax"])) for w in callers]
    ready = [a.extension for a in agents]
    idle = {e: NOW - timedelta(seconds=n * 7 % 50) for n, e in enumerate(ready)}
    on_duty = frozenset(ready)
    shuffled = random.Random(3).sample(callers, CALLERS)  # noqa: S311

    strict = QueueSettings.model_validate({"rules": {"default": [{"after": 0, "need": ["team"]}]}})
    queue = Queue([*agents, Agent("9000", team="other")], strict, lambda: NOW)
    queue.restore([], talk_seconds=[60] * 10)
    for agent in agents:
        queue.busy(agent.extension, "other")
    places = [queue.join(caller) for caller in callers]
    asking = [asyncio.create_task(p.offer(600), name=p.waiting.id) for p in places]
    await asyncio.sleep(0)

    def sort() -> None:
        sorted(shuffled, key=lambda w: turn(w, 60))
        sorted(ready, key=idle.__getitem__)

    contenders: dict[str, Callable[[], object]] = {
        "sort": sort,
        "match": lambda: match(line, ready, on_duty, NOW),
        "match in vain": lambda: match(vain, ready, on_duty, NOW),
        "look": queue._look,
        "page": queue.waiting,
        "told": lambda: (places[-1].position, places[-1].expected_wait),
    }
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, work in contenders.items():
            best[name] = min(best[name], _microseconds(work))
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    queue.close()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    best = asyncio.run(measure(arguments.rounds))
    if arguments.json:
        print(json.dumps(best))
        return
    for name, microseconds in best.items():
        ratio = microseconds / best["sort"]
        print(f"{name:14} {microseconds:8.1f} µs  {ratio:5.2f} × sort")


if __name__ == "__main__":
    main()
