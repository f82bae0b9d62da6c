"""`benchmarks/calls.py` itself, briefly and for real: whoever doubts a figure can repeat it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asterisk_conf.install import Installation

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "calls.py"
KEYS = [
    "name",
    "app_cpu_ms_per_call",
    "asterisk_cpu_ms_per_call",
    "invite_ok_ms",
    "digit_prompt_ms",
    "failed",
    "max_rate",
]


@pytest.mark.asterisk
@pytest.mark.slow
@pytest.mark.alone
def test_every_call_of_a_short_run_is_measured(installation: Installation) -> None:
    if os.geteuid() or shutil.which("dumpcap") is None:
        pytest.skip("packets are captured by dumpcap (tshark), as root")
    names = ["dialplan", "huisheng", "client", "fastagi"]
    arguments = ["--json", "--rate", "5", "--seconds", "2", "--rounds", "1", "--no-max-rate"]
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments, "--only", *names],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    rows = json.loads(run.stdout)["results"]
    assert [row["name"] for row in rows] == names
    for row in rows:
        assert list(row) == KEYS
        assert row["failed"] == 0
        for latency in (row["invite_ok_ms"], row["digit_prompt_ms"]):
            assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
        assert (row["app_cpu_ms_per_call"] > 0) == (row["name"] != "dialplan")
