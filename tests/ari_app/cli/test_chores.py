"""`huisheng chores`: an operator sees what could not be done by itself, and has it tried again."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from ari_app.cli.main import build
from desk import chores, timeline
from desk.chores import Entry, follower
from desk.db.engine import Database
from tests.rig.samples import NOW

CONFIG = (Path(__file__).parents[3] / "config.yaml").read_text(encoding="utf-8")


def fails(_db: Connection, _entry: Entry, _now: datetime) -> None:
    raise KeyError("nobody")


@pytest.fixture
def config(tmp_path: Path, migrated_file: bytes) -> Path:
    """A desk in which a follower could not react to an entry."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "huisheng.db").write_bytes(migrated_file)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    in_desk(path, fail_until_put_aside)
    return path


def in_desk(config: Path, work: Callable[[Database], object]) -> None:
    async def opened() -> None:
        async with await Database.open(f"sqlite:///{config.parent / 'var' / 'huisheng.db'}") as db:
            await work(db)  # type: ignore[misc]

    asyncio.run(opened())


async def fail_until_put_aside(db: Database) -> None:
    chore = follower("echo", ("ticket.",), fails, from_start=True)
    await db.write(lambda c: timeline.append(c, kind="ticket.x", body={}, now=NOW) and None)
    now = NOW
    with capture_logs():
        while (at := await db.read(chore.next_at)) is not None:
            now = max(now, at)
            await db.write(chore.work, now, 20)


def huisheng(config: Path, *words: str) -> Result:
    return CliRunner().invoke(build("chores"), ["chores", *words, "--config", str(config)])


def test_what_was_put_aside_is_shown_and_tried_again(config: Path) -> None:
    shown = huisheng(config, "status")
    assert shown.exit_code == 0, shown.output
    assert "echo  至 / to 1" in shown.output
    assert "aside: echo  1  ticket.x  KeyError: 'nobody'" in shown.output
    assert huisheng(config, "again", "other").output.startswith("0 ")
    assert huisheng(config, "again", "echo", "--seq", "1").output.startswith("1 ")
    heard: list[int] = []

    async def do_it(db: Database) -> None:
        chore = follower("echo", ("ticket.",), lambda _db, entry, _now: heard.append(entry.seq))
        await chores.catch_up(db, [chore], lambda: NOW)

    in_desk(config, do_it)
    assert heard == [1]
    assert "aside" not in huisheng(config, "status").output
