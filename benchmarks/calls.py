"""One IVR, served five ways by the same Asterisk: CPU per call, latency, highest rate.

    python benchmarks/calls.py [--json] [--rate N] [--seconds N] [--rounds N]

The IVR: answer → 1 s prompt → one key → 0.5 s prompt → hang up. The contenders: pure dialplan;
this application (region, customer, journal, timeline, in SQLite); this ARI client with the bare
IVR; asyncari; FastAGI on panoramisk. They alternate in one run. Latency is taken from packets on
loopback, so it needs root; see docs/benchmarks.md.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from call_load.figures import Score, goals
from call_load.pbx import NUMBERS
from call_load.rounds import field, fixed_rate, highest_rates


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def measure(options: argparse.Namespace) -> list[Score]:
    scores = [Score(name) for name in options.only]
    async with field(options.only) as on:
        await fixed_rate(on, scores, options.rate, options.seconds, options.rounds, tell)
        if options.max_rate:
            await highest_rates(on, scores, tell)
    return scores


HEADING = (
    f"{'':10}{'app CPU':>9}{'Asterisk':>9}   {'INVITE→200 p50/95/99':>22}"
    f"   {'key→prompt p50/95/99':>22}{'failed':>8}{'calls/s':>9}"
)


def table(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join([HEADING, *map(_line, rows), "CPU in ms per call, latency in ms"])


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['name']:10}{row['app_cpu_ms_per_call']:>9.2f}"
        f"{row['asterisk_cpu_ms_per_call']:>9.2f}   {_three(row['invite_ok_ms']):>22}"
        f"   {_three(row['digit_prompt_ms']):>22}{row['failed']:>8}{row['max_rate'] or '–':>9}"
    )


def _three(quantiles: dict[str, float | None]) -> str:
    return "/".join("–" if value is None else f"{value:.2f}" for value in quantiles.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rate", type=int, default=20, help="calls a second for CPU and latency")
    parser.add_argument("--seconds", type=float, default=10, help="of each of these rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--no-max-rate", dest="max_rate", action="store_false", help="leave out the highest rates"
    )
    parser.add_argument("--only", nargs="+", choices=list(NUMBERS), default=list(NUMBERS))
    options = parser.parse_args()
    scores = asyncio.run(measure(options))
    rows = [score.as_dict() for score in scores]
    if options.json:
        print(json.dumps({"results": rows}))
        return
    print(table(rows))
    for score in scores:
        if score.climb and score.climb.reason:
            print(f"{score.name} reached its limit at {score.climb.reason}")
    for goal in goals(rows):
        print(goal)


if __name__ == "__main__":
    main()
