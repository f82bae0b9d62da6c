"""`huisheng bridge` as an operator types it while a target is in trouble."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from desk import outbox, timeline
from desk.db.engine import Database

HUISHENG = str(Path(sys.executable).with_name("huisheng"))
CONFIG = Path(__file__).parents[3] / "config.yaml"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A line whose demo target has one dead letter and one entry that waits."""
    (tmp_path / "config.yaml").write_bytes(CONFIG.read_bytes())
    (tmp_path / "var").mkdir()

    def trouble(db: Any) -> None:
        outbox.fan_out(db, ["demo"], NOW)
        for call in ("call-1", "call-2"):
            timeline.append(db, kind="call.noted", body={}, now=NOW, call_id=call)
        outbox.fan_out(db, ["demo"], NOW)
        one, two = outbox.due(db, "demo", NOW, 2)
        outbox.bury(db, one.id, "HTTP 422 [bold]no[/bold]", NOW)
        outbox.failed(db, two.id, "no answer within 10 s", NOW, NOW)

    async def write() -> None:
        async with await Database.open(f"sqlite:///{tmp_path}/var/huisheng.db") as db:
            await db.write(trouble)

    asyncio.run(write())
    return tmp_path


def _bridge(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [HUISHENG, "bridge", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "PYTHONUTF8": "1"},
    )


def test_status_shows_what_waits_and_why(folder: Path) -> None:
    done = _bridge(folder, "status")
    assert done.returncode == 0, done.stderr
    assert "no answer within 10 s" in done.stdout
    (target,) = json.loads(_bridge(folder, "status", "--json").stdout)
    assert (target["name"], target["pending"], target["dead"]) == ("demo", 1, 1)
    assert target["waiting_since"].startswith("2026-01-05 09:00:00")


def test_dead_letters_are_listed_and_replayed(folder: Path) -> None:
    listed = _bridge(folder, "dead")
    assert "HTTP 422 [bold]no[/bold]" in listed.stdout, "an error is text, never markup"
    letter = json.loads(_bridge(folder, "dead", "demo", "--json").stdout)
    assert letter["message"]["type"] == "call.noted"
    assert letter["webhook_id"].startswith("msg_1_")
    assert _bridge(folder, "replay", "demo", "--id", "999").stdout.startswith("0 ")
    assert _bridge(folder, "replay").stdout.startswith("1 ")
    assert _bridge(folder, "dead", "--json").stdout == ""
    (target,) = json.loads(_bridge(folder, "status", "--json").stdout)
    assert (target["pending"], target["dead"]) == (2, 0)


def test_the_secret_is_printed_and_stays(folder: Path) -> None:
    first, second = _bridge(folder, "secret", "demo"), _bridge(folder, "secret", "demo")
    assert first.stdout.startswith("whsec_")
    assert first.stdout == second.stdout


@pytest.mark.parametrize("words", [("secret", "nobody"), ("dead", "nobody"), ("replay", "nobody")])
def test_a_misspelt_target_is_named_with_those_there_are(
    folder: Path, words: tuple[str, ...]
) -> None:
    done = _bridge(folder, *words)
    assert done.returncode == 2
    assert "there are: demo" in done.stderr
