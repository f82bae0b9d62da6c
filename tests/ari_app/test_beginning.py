"""What an administrator has written is in force once the line has been started; a later change
is not until somebody says so.
"""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ari_app.beginning import begin, levels_of
from ari_app.house import house_of
from ari_app.settings import Settings, load
from desk import routing, sla
from desk.db.engine import Database
from desk.house import declare
from tests.rig.samples import NOW

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder as it is installed."""
    for name in ("config.yaml", "routing.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path / "config.yaml"


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)


@pytest.fixture(autouse=True)
async def _declared(db: Database, settings: Settings) -> None:
    await db.write(declare, house_of(settings), NOW)


async def started(db: Database, settings: Settings, config: Path | None) -> None:
    await begin(db, settings, config, lambda: NOW)


async def test_first_start_puts_levels_and_rules_in_force(
    db: Database, settings: Settings, config: Path
) -> None:
    await started(db, settings, config)
    (levels,) = await db.read(sla.editions.editions)
    assert (levels.number, levels.actor) == (1, "system")
    assert levels.book.text() == levels_of(settings).text()
    (rules,) = await db.read(routing.versions)
    assert (rules.edition, rules.actor) == (1, "system")
    assert rules.content == (ROOT / "routing.yaml").read_text(encoding="utf-8")


async def test_later_change_of_a_file_waits_for_who_puts_it_in_force(
    db: Database, config: Path
) -> None:
    await started(db, load(config), config)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("due_minutes: 1440", "due_minutes: 999"), encoding="utf-8")
    config.with_name("routing.yaml").write_text("rules: nonsense", encoding="utf-8")
    changed = load(config)
    assert levels_of(changed).text() != levels_of(load(ROOT / "config.yaml")).text()
    await started(db, changed, config)
    assert [each.number for each in await db.read(sla.editions.editions)] == [1]
    assert [each.edition for each in await db.read(routing.versions)] == [1]


async def test_what_an_operator_put_in_force_before_the_first_start_stays(
    db: Database, settings: Settings, config: Path
) -> None:
    await db.write(sla.apply, levels_of(settings), NOW, actor="operator")
    await started(db, settings, config)
    (levels,) = await db.read(sla.editions.editions)
    assert levels.actor == "operator"


async def test_processes_that_start_at_once_begin_it_once(
    db: Database, database_url: str, settings: Settings, config: Path
) -> None:
    async with await Database.open(database_url, wait_seconds=60) as other:
        await asyncio.gather(*(started(one, settings, config) for one in (db, other, db, other)))
    assert [each.number for each in await db.read(sla.editions.editions)] == [1]
    assert [each.edition for each in await db.read(routing.versions)] == [1]


@pytest.mark.parametrize("content", [None, b"rules: [", b"\xff\xfe", b"default_team: nowhere"])
async def test_rules_that_cannot_be_used_are_told_and_keep_nobody_waiting(
    db: Database, settings: Settings, config: Path, content: bytes | None
) -> None:
    file = config.with_name("routing.yaml")
    file.unlink() if content is None else file.write_bytes(content)
    with capture_logs() as said:
        await started(db, settings, config)
    (told,) = [one for one in said if "not routed" in one["event"]]
    assert told["file"] == str(file)
    assert await db.read(routing.latest) is None
    assert await db.read(sla.latest) is not None, "service levels do not wait for them"


async def test_line_without_a_file_has_no_rules(db: Database, settings: Settings) -> None:
    with capture_logs() as said:
        await started(db, settings, None)
    assert not [one for one in said if "routed" in one["event"]]
    assert await db.read(routing.latest) is None


async def test_year_whose_holidays_nobody_knows_is_told_at_every_start_and_stops_nothing(
    db: Database, settings: Settings, config: Path
) -> None:
    await started(db, settings, config)
    for _ in range(2):
        with capture_logs() as said:
            await begin(db, settings, config, lambda: datetime(2097, 6, 1, tzinfo=UTC))
        (told,) = [one for one in said if "Monday to Friday" in one["event"]]
        assert "2097" in told["why"]
