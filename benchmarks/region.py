"""Nanoseconds per region look-up, against a dict and against PyPI `phone`, in one run.

    python benchmarks/region.py [--json] [--rounds N]

Rounds of all contenders alternate; the best round of each counts. Machines differ, so read the
ratios: `array` is one read of the segment table, `locate …` is everything from the caller id as it
was received to the finished `Caller`.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence

from phone import Phone

from desk.region import RegionTable, locate

SAMPLE = 20_000


def _numbers(table: RegionTable) -> list[str]:
    chance = random.Random(20231201)  # noqa: S311 - a sample, no secret
    segments = [segment for segment, _ in table.segments()]
    return [f"{chance.choice(segments)}{chance.randrange(10_000):04}" for _ in range(SAMPLE)]


def _nanoseconds(work: Callable[[str], object], sample: Sequence[str]) -> float:
    start = time.perf_counter_ns()
    for number in sample:
        work(number)
    return (time.perf_counter_ns() - start) / len(sample)


def measure(rounds: int) -> dict[str, float]:
    """Best nanoseconds per look-up of each contender."""
    table = RegionTable.builtin()
    as_dict = dict(table.segments())
    phone = Phone()
    mobiles = _numbers(table)
    contenders: dict[str, tuple[Callable[[str], object], Sequence[str]]] = {
        "dict": (lambda number: as_dict[int(number[:7])], mobiles),
        "array": (lambda number: table.region(int(number[:7])), mobiles),
        "phone": (phone.find, mobiles),
        "locate mobile": (lambda number: locate(number, "022"), mobiles),
        "locate +86 mobile": (lambda n: locate(n, "022"), [f"+86{n}" for n in mobiles]),
        "locate land line": (lambda n: locate(n, "022"), [f"022{n[:8]}" for n in mobiles]),
        "locate local": (lambda n: locate(n, "022"), [f"5{n[4:]}" for n in mobiles]),
        "locate SIP URI": (lambda n: locate(n, "022"), [f"<sip:0{n}@192.0.2.1>" for n in mobiles]),
    }
    best: dict[str, float] = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, (work, sample) in contenders.items():
            best[name] = min(best[name], _nanoseconds(work, sample))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    best = measure(arguments.rounds)
    rows = [
        {
            "name": name,
            "ns": round(ns),
            "of_dict": round(ns / best["dict"], 2),
            "of_phone": round(ns / best["phone"], 3),
        }
        for name, ns in best.items()
    ]
    if arguments.json:
        print(json.dumps({"results": rows}))
        return
    print(f"{'':20}{'ns':>8}{'x dict':>9}{'x phone':>9}")
    for row in rows:
        print(f"{row['name']:20}{row['ns']:>8}{row['of_dict']:>9}{row['of_phone']:>9}")


if __name__ == "__main__":
    main()
