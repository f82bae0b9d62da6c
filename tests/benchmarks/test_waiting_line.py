"""`benchmarks/waiting_line.py` itself, briefly: a long line must not slow the event loop down."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_TIMES_SORT = 20  # measured 4; a machine that is busy otherwise spreads widely


def test_a_free_agent_in_a_long_line_costs_little_more_than_sorting_it() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "waiting_line.py", "--json", "--rounds", "3"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        timeout=60,
    )
    best = json.loads(done.stdout)
    assert best["look"] < MOST_TIMES_SORT * best["sort"], best
    assert best["match"] < MOST_TIMES_SORT * best["sort"], best
