"""A long run: rounds with every fault in turn until the time is over.

    python -m tests.chaos.long --minutes 30

Each round is kept in docs/reliability.json as soon as it is over, and the table of
docs/reliability.md is drawn from all rounds kept; a later run continues the table.
"""

import argparse
import asyncio
import contextlib
import itertools
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from asterisk_conf import install
from tests.chaos import table
from tests.chaos.faults import FAULTS
from tests.chaos.house import House, house
from tests.chaos.round import Round, play_round

FEW, MANY = 2, 11  # callers in the queue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", default=f"{datetime.now(UTC):%m%d%H%M}")
    parser.add_argument("--faults", default=",".join(FAULTS), help="which, with commas between")
    parser.add_argument("--rounds", type=Path, default=table.ROUNDS, help="where rounds are kept")
    parser.add_argument("--page", type=Path, default=table.PAGE)
    wanted = parser.parse_args()
    asyncio.run(stoppable(wanted))


async def stoppable(wanted: argparse.Namespace) -> None:
    """Ended by SIGTERM, a run leaves nothing behind either."""
    task = asyncio.ensure_future(run(wanted))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def run(wanted: argparse.Namespace) -> None:
    until = time.monotonic() + wanted.minutes * 60
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task(f"seed {wanted.seed}", total=wanted.minutes * 60)
        async with AsyncExitStack() as stack:
            home: House | None = None
            for number, fault in enumerate(_faults(wanted.seed, wanted.faults.split(","))):
                if time.monotonic() > until:
                    break
                if home is None:
                    folder = Path(tempfile.mkdtemp(prefix="huisheng-chaos-"))
                    home = await stack.enter_async_context(house(folder, install.find()))
                began = time.time()
                seed = f"{wanted.seed}-{number}"
                try:
                    one = await play_round(
                        home, FAULTS[fault], seed, waiting=MANY if number % 3 == 0 else FEW
                    )
                except Exception as error:  # noqa: BLE001 - the run goes on in a new house
                    progress.console.print(f"✗ {seed} {fault}: {error!r}")
                    home = None
                    await stack.aclose()
                    continue
                played = [*table.read(wanted.rounds), _kept(one, began)]
                table.keep(played, wanted.rounds)
                if wanted.page.exists():
                    table.write(played, wanted.page)
                sign = "✗" if one.all_problems else "✓"
                progress.console.print(f"{sign} {seed} {fault} {time.time() - began:.0f} s")
                for problem in one.all_problems:
                    progress.console.print(f"    {problem}", markup=False)
                left = max(0.0, until - time.monotonic())
                progress.update(bar, completed=wanted.minutes * 60 - left)


def _faults(seed: str, names: list[str]) -> Iterator[str]:
    """All faults, again and again, each time in another order."""
    for turn in itertools.count():
        order = sorted(names)
        Random(f"{seed}-{turn}").shuffle(order)  # noqa: S311 - chance that can be repeated
        yield from order


def _kept(one: Round, began: float) -> dict[str, Any]:
    return {
        "seed": one.seed,
        "fault": one.fault.name,
        "commit": _commit(),
        "at": f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d %H:%M}",
        "seconds": round(time.time() - began),
        "callers": [
            {
                "stage": each.stage,
                "reached": each.reached,
                "alone": each.alone,
                "problems": each.problems,
            }
            for each in one.callers
        ],
        "problems": one.problems,
        "flows": one.flows,
    }


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
