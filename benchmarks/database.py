"""What the desk costs: units of work per second and CPU per unit, as ratios to bare sqlite3.

    python benchmarks/database.py [--json] [--units N] [--rounds N] [--postgres URL]

A unit is what `raw` does by hand in one transaction: the four statements that one timeline entry
needs. `alone` gives the desk one unit after the other, `together` sixty-four at a time, so that
group commit shows; `call` is everything that is written and read for one whole call with a ticket
(five units). Each with synchronous=FULL. Rounds alternate and the best of each counts; CPU is of
the whole process, threads included.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from desk import customers, journal, tickets, timeline
from desk.db.engine import Database
from desk.journal import NewCall
from desk.region import locate
from desk.tickets import NewTicket

CALLER = locate("02253456789", "022")
BODY = {"caller": {"caller_id": "02253456789", "city": "天津"}, "dialled": "4001234567"}
AT_ONCE = 64
number = count(1)


def now() -> datetime:
    return datetime.now(UTC)


def raw(file: Path, units: int, synchronous: str) -> None:
    """The same four statements on the same tables, by the driver alone."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute(f"PRAGMA synchronous={synchronous}")
    text = json.dumps(BODY)
    for _ in range(units):
        db.execute("BEGIN IMMEDIATE")
        seq, _hash = db.execute("SELECT seq, hash FROM timeline_head").fetchone()
        db.execute(
            "INSERT INTO timeline (seq, at, kind, call_id, actor, body, salt, body_hash, hash)"
            " VALUES (?, ?, 'call.received', ?, 'system', ?, ?, ?, ?)",
            (seq + 1, now().isoformat(), f"c{seq}", text, "0" * 32, "0" * 64, "0" * 64),
        )
        db.execute("UPDATE timeline_head SET seq = ?, hash = ?", (seq + 1, "0" * 64))
        db.execute("INSERT INTO outbox (seq, key) VALUES (?, ?)", (seq + 1, f"call:c{seq}"))
        db.execute("COMMIT")
    db.close()


def append(db: Connection) -> None:
    timeline.append(db, kind="call.received", body=BODY, now=now(), call_id=f"c{next(number)}")


def begin(db: Connection, call_id: str) -> None:
    known = tuple(customer.id for customer in customers.find_by_number(db, CALLER.e164))
    journal.begin(db, NewCall(call_id, "4001234567", CALLER.input, CALLER, known), now())


def finish(db: Connection, call_id: str) -> None:
    new = NewTicket("complaint", "天津 投诉", call_id=call_id, labels=("地区:天津",))
    tickets.open_ticket(db, new, now())
    journal.end(db, call_id, "completed", now())


async def call(db: Database) -> None:
    call_id = f"call{next(number)}"
    await db.write(begin, call_id)
    await db.write(journal.enter_stage, call_id, "menu", {"menu": "main"}, now())
    await db.write(journal.note, call_id, "menu.chosen", {"key": "1", "label": "投诉"}, now())
    await db.write(journal.enter_stage, call_id, "message", {"menu": "main"}, now())
    await db.write(finish, call_id)


async def alone(db: Database, times: int, work: Callable[[Database], Awaitable[None]]) -> None:
    for _ in range(times):
        await work(db)


async def together(db: Database, times: int, work: Callable[[Database], Awaitable[None]]) -> None:
    await asyncio.gather(*(alone(db, times // AT_ONCE, work) for _ in range(AT_ONCE)))


async def unit(db: Database) -> None:
    await db.write(append)


class Best:
    """The least wall clock and CPU seconds per unit of each contender."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}

    def note(self, name: str, units: int, wall: float, cpu: float) -> None:
        before = self.found.get(name, (float("inf"), float("inf")))
        self.found[name] = (min(before[0], wall / units), min(before[1], cpu / units))


async def measure(units: int, rounds: int, postgres: str | None) -> Best:
    best = Best()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/desk.db"
        async with await Database.open(url):
            pass
        for _ in range(rounds):
            for synchronous in ("NORMAL", "FULL"):
                clocks = time.perf_counter(), time.process_time()
                await asyncio.to_thread(raw, Path(folder, "desk.db"), units, synchronous)
                _note(best, f"raw {synchronous}", units, clocks)
            for name, address in (("sqlite", url), ("postgres", postgres)):
                if address is not None:
                    await _measure(best, name, address, units)
    return best


async def _measure(best: Best, name: str, url: str, units: int) -> None:
    async with await Database.open(url) as db:
        for label, work, each in (("unit", unit, units), ("call", call, units // 5)):
            for way in (alone, together):
                times = max(each // AT_ONCE, 1) * AT_ONCE
                clocks = time.perf_counter(), time.process_time()
                await way(db, times, work)
                _note(best, f"{name} {label} {way.__name__}", times, clocks)


def _note(best: Best, name: str, units: int, clocks: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    best.note(name, units, wall, cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--units", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", help="URL of a database that may be written to")
    options = parser.parse_args()
    found = asyncio.run(measure(options.units, options.rounds, options.postgres)).found
    base = found["raw FULL"]
    results = [
        {
            "name": name,
            "per_second": round(1 / wall),
            "cpu_us": round(cpu * 1e6, 1),
            "cpu_ratio": round(cpu / base[1], 2),
            "wall_ratio": round(wall / base[0], 2),
        }
        for name, (wall, cpu) in found.items()
    ]
    if options.json:
        print(json.dumps({"results": results}))
        return
    print(f"{'':24}{'per second':>12}{'CPU µs':>10}{'CPU ratio':>11}{'wall ratio':>12}")
    for row in results:
        print(
            f"{row['name']:24}{row['per_second']:>12}{row['cpu_us']:>10}"
            f"{row['cpu_ratio']:>11}{row['wall_ratio']:>12}"
        )


if __name__ == "__main__":
    main()
